"""What of a graph model TensorFlow.js cannot run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.handmade import SIGNATURE, errors, examine_graph, ids, loop, node, strings

X, W, Y = node("x", "Placeholder"), node("w", "Const"), node("y", "MatMul", "x", "w")


def test_a_sound_graph(tmp_path: Path) -> None:
    assert examine_graph(tmp_path, X, W, Y) == []


def test_ops_that_are_not_known(tmp_path: Path) -> None:
    needed = examine_graph(tmp_path / "a", X, W, node("h", "_MklThing", "x"), node("y", "MatMul", "h", "w"))
    assert errors(needed) == {"unsupported-ops": "$.modelTopology.node[2].op"}
    aside = examine_graph(tmp_path / "b", X, W, Y, node("h", "_MklThing", "x"))
    assert (ids(aside), errors(aside)) == ({"unsupported-ops"}, {})
    branch = node("s", "Switch", "x", "x"), node("h", "Nope", "s:1"), node("y", "Merge", "h", "s")
    assert errors(examine_graph(tmp_path / "c", X, *branch, weights={})) == {}
    body = {"signature": {"name": "f", "inputArg": [{"name": "a"}]}, "nodeDef": [node("b", "Nope", "a")]}
    inside = examine_graph(tmp_path / "d", X, W, Y, topology={"library": {"function": [body]}})
    assert [(f.id, f.path, f.severity) for f in inside] == [
        ("unsupported-ops", "$.modelTopology.library.function[0].nodeDef[0].op", "warning")
    ]


@pytest.mark.parametrize(
    ("fused", "known"),
    [(["BiasAdd", "Relu"], True), (["BiasAdd"], True), (["BiasAdd", "Tanh"], False), (["BiasAdd", "GeluExact"], False)],
)
def test_fusions(tmp_path: Path, fused: list[str], known: bool) -> None:
    found = errors(examine_graph(tmp_path, X, W, node("y", "_FusedMatMul", "x", "w", "w", fused_ops=strings(*fused))))
    assert found == ({} if known else {"unsupported-fusion": "$.modelTopology.node[2].attr.fused_ops"})


@pytest.mark.parametrize("word", [5, -1, 2**63, 10**400, 1.5, True, None, {}, [300], ["x"], "é"])
def test_what_no_operation_is_named_by_is_fused_with_nothing(tmp_path: Path, word: object) -> None:
    fused = {"list": {"s": [word]}}
    assert errors(examine_graph(tmp_path, X, W, node("y", "_FusedMatMul", "x", "w", "w", fused_ops=fused))) == {}


def test_batch_normalisation_in_training_mode(tmp_path: Path) -> None:
    for training in (True, False):
        y = node("y", "FusedBatchNormV3", "x", "w", "w", "w", "w", is_training={"b": training})
        assert ids(examine_graph(tmp_path / str(training), X, W, y)) == (
            {"graph-batch-norm-training"} if training else set()
        )


def test_constants_and_their_weights(tmp_path: Path) -> None:
    assert errors(examine_graph(tmp_path / "a", X, W, Y, weights={})) == {"weights-missing": "$.modelTopology.node[1]"}
    more = examine_graph(tmp_path / "b", X, W, Y, weights={"w": [2, 2], "v": [1]})
    assert (ids(more), errors(more)) == ({"weights-unwanted"}, {})


def test_what_the_loader_trips_over(tmp_path: Path) -> None:
    dangling = examine_graph(tmp_path / "a", X, node("y", "MatMul", "x", "gone:1"), weights={})
    assert errors(dangling) == {"graph-dangling-input": "$.modelTopology.node[1].input[1]"}
    versions = examine_graph(tmp_path / "b", X, W, Y, topology={"versions": None})
    assert errors(versions) == {"graph-without-versions": "$.modelTopology.versions"}


def test_signatures(tmp_path: Path) -> None:
    none = examine_graph(tmp_path / "a", X, W, Y, signature=None)
    assert (ids(none), errors(none)) == ({"graph-without-signature"}, {})
    ghost = {"inputs": {}, "outputs": {"y": {"name": "ghost:0"}}}
    assert errors(examine_graph(tmp_path / "b", X, W, Y, signature=ghost)) == {
        "signature-node-missing": "$.signature.outputs.y.name"
    }
    metadata = {"signature": SIGNATURE}
    assert examine_graph(tmp_path / "c", X, W, Y, signature=ghost, userDefinedMetadata=metadata) == []


def test_loops_that_can_and_cannot_go_on(tmp_path: Path) -> None:
    weights = {"n": [1]}
    assert examine_graph(tmp_path / "a", *loop(guard=[]), weights=weights) == []
    assert examine_graph(tmp_path / "b", *loop("^one", guard=[]), weights=weights) == []
    assert (
        examine_graph(tmp_path / "c", *loop("^g", guard=[node("g", "NoOp", "^one", "^merge")]), weights=weights) == []
    )
    stuck = examine_graph(tmp_path / "d", *loop("^g", guard=[node("g", "NoOp", "^one", "^switch")]), weights=weights)
    assert errors(stuck) == {"graph-loop-stuck": "$.modelTopology.node[10].input"}
    ended = examine_graph(tmp_path / "e", *loop("^exit", guard=[]), weights=weights)
    assert errors(ended) == {"graph-loop-stuck": "$.modelTopology.node[9].input"}
