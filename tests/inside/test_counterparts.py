"""Operations without counterpart on the way from inputs to outputs, in graphs written by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.inside import counterparts


def node(name: str, op: str, *inputs: str, **functions: str) -> Any:
    attributes = {key: SimpleNamespace(func=SimpleNamespace(name=value)) for key, value in functions.items()}
    return SimpleNamespace(name=name, op=op, input=list(inputs), attr=attributes)


def function(name: str, arguments: list[str], nodes: list[Any], **returned: str) -> Any:
    given = [SimpleNamespace(name=argument) for argument in arguments]
    return SimpleNamespace(signature=SimpleNamespace(name=name, input_arg=given), node_def=nodes, ret=returned)


def found(nodes: list[Any], *functions: Any, outputs: tuple[str, ...] = ("y:0",)) -> list[tuple[str, str]]:
    walk = counterparts._Walk({each.signature.name: each for each in functions})
    walk.graph(nodes, {"x": True}, list(outputs))
    return list(walk.found)


def test_between_input_and_output_it_counts() -> None:
    nodes = [node("y", "Identity", "a"), node("a", "StringLower", "x"), node("x", "Placeholder")]
    assert found(nodes) == [("StringLower", "a")]


@pytest.mark.parametrize(
    "nodes",
    [
        # A control input, a constant, a size, an output that nobody asks for, a branch that may never run.
        [node("y", "Identity", "x", "^a"), node("a", "AsString", "x")],
        [node("y", "Equal", "x", "a"), node("a", "StringLower", "c"), node("c", "Const")],
        [node("y", "Mul", "x", "a"), node("a", "Svd", "s"), node("s", "Shape", "x")],
        [node("y", "Identity", "x"), node("a", "Substr", "x")],
        [node("y", "StatelessIf", "x", then_branch="f", else_branch="f")],
    ],
)
def test_elsewhere_it_does_not(nodes: list[Any]) -> None:
    body = function("f", ["p"], [node("q", "StringLower", "p")], r="q:output:0")
    assert found(nodes, body) == []


def test_functions_and_loops_are_gone_into() -> None:
    inner = function("inner", ["p"], [node("deep", "DecodeJpeg", "p")], r="deep:image:0")
    body = function("body", ["p"], [node("call", "PartitionedCall", "p", f="inner")], r="call:output:0")
    test = function("test", ["p"], [node("less", "Less", "p")], r="less:z:0")
    nodes = [node("y", "StatelessWhile", "x", cond="test", body="body")]
    assert found(nodes, inner, body, test) == [("DecodeJpeg", "deep")]


def test_only_what_a_function_is_given_of_the_input_counts() -> None:
    body = function("f", ["p", "q"], [node("a", "StringLower", "q")], r="a:output:0")
    constant = node("c", "Const")
    assert found([node("y", "PartitionedCall", "x", "c", f="f"), constant], body) == []
    assert found([node("y", "PartitionedCall", "c", "x", f="f"), constant], body) == [("StringLower", "a")]


def test_cycles_and_functions_that_call_themselves_end() -> None:
    own = function("f", ["p"], [node("a", "PartitionedCall", "p", f="f")], r="a:output:0")
    assert found([node("y", "PartitionedCall", "x", f="f")], own) == []
    assert found([node("y", "Merge", "n", "x"), node("n", "NextIteration", "y")]) == []


@pytest.mark.parametrize(
    ("op", "family"),
    [
        ("StringSplitV2", "text"),
        ("SentencepieceTokenizeOp", "text"),
        ("SparseCrossHashed", "text"),
        ("DecodeBase64", "bytes"),
        ("ParseExampleV2", "bytes"),
        ("EagerPyFunc", "python"),
        ("RFFT2D", "fourier"),
        ("IRFFTND", "fourier"),
        ("MatrixInverse", "algebra"),
        ("BatchMatrixSolve", "algebra"),
    ],
)
def test_families(op: str, family: str) -> None:
    assert counterparts.family_of(op) == family


@pytest.mark.parametrize(
    "op",
    [
        *("StaticRegexReplace", "StringNGrams", "StringToHashBucketFast", "FFT", "FFT2D", "LookupTableFindV2"),
        *("MatrixDiagV3", "MatrixBandPart", "BatchMatMulV2", "Erfc", "Roll", "Conv2D", "Einsum", "SparseToDense"),
    ],
)
def test_what_tensorflow_js_has_or_a_repair_replaces_is_in_none(op: str) -> None:
    assert counterparts.family_of(op) is None
