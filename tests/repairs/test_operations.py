"""Operations that TensorFlow.js does not have."""

from __future__ import annotations

from typing import Any

import pytest
from support.repaired import graph, node, repair_ids

from tfjs_compat.repairs.document import repair_document


def nodes_of(document: Any) -> dict[str, Any]:
    return {entry["name"]: entry for entry in document["modelTopology"]["node"]}


def test_erfc_becomes_one_minus_erf() -> None:
    done = repair_document(graph(node("x", "Placeholder"), node("y", "Erfc", "x"), output="y"))
    nodes = nodes_of(done.model_json)
    assert {name: entry["op"] for name, entry in nodes.items()} == {
        "x": "Placeholder", "y": "Sub", "y/ones": "OnesLike", "y/erf": "Erf"
    }  # fmt: skip
    assert nodes["y"]["input"] == ["y/ones", "y/erf"]
    assert repair_document(done.model_json).applied == ()


def roll(shape: list[int] | None) -> dict[str, Any]:
    value = graph(
        node("x", "Placeholder"),
        node("shift", "Const"),
        node("axis", "Const"),
        node("y", "Roll", "x", "shift", "axis", T={"type": "DT_FLOAT"}),
        output="y",
    )
    weights = [{"name": name, "shape": shape, "dtype": "int32"} for name in ("shift", "axis")]
    return {**value, "weightsManifest": [{"paths": [], "weights": weights if shape is not None else []}]}


@pytest.mark.parametrize(("shape", "gathered"), [([], 1), ([1], 1), ([2], 2)])
def test_roll_gathers_along_each_axis(shape: list[int], gathered: int) -> None:
    done = repair_document(roll(shape))
    assert [repair.id for repair in done.applied] == ["roll"]
    nodes = nodes_of(done.model_json)
    assert nodes["y"]["op"] == "GatherV2"
    assert nodes["y"]["input"][0] == ("x" if gathered == 1 else "y/rolled_0")
    assert nodes["y/moved_0"]["input"] == ["y/places_0", "y/shifts" if shape else "shift"]
    assert {source.split(":")[0] for entry in nodes.values() for source in entry["input"]} <= set(nodes)
    assert repair_document(done.model_json).applied == ()


def test_a_roll_by_unknown_shifts_stays() -> None:
    assert repair_ids(roll(None)) == []


def test_a_sum_of_segments_becomes_a_scatter() -> None:
    value = graph(
        node("x", "Placeholder"),
        node("ids", "Placeholder"),
        node("count", "Const"),
        node("y", "UnsortedSegmentSum", "x", "ids", "count", T={"type": "DT_FLOAT"}),
        output="y",
    )
    done = repair_document(value)
    assert [repair.id for repair in done.applied] == ["segment-sum"]
    nodes = nodes_of(done.model_json)
    assert (nodes["y"]["op"], nodes["y"]["input"]) == ("ScatterNd", ["y/places", "x", "y/whole"])
    assert nodes["y/whole"]["input"] == ["y/segments", "y/rest", "y/zero"]
    assert {source.split(":")[0] for entry in nodes.values() for source in entry["input"]} <= set(nodes)
    assert repair_document(done.model_json).applied == ()


def sign(zero_test: str = "x") -> dict[str, Any]:
    """As keras.ops.argmax looks for -0."""
    return graph(
        node("x", "Placeholder"),
        node("zero", "Const"),
        node("mask", "Const"),
        node("bits", "Bitcast", "x", T={"type": "DT_FLOAT"}, type={"type": "DT_INT32"}),
        node("masked", "BitwiseAnd", "bits", "mask", T={"type": "DT_INT32"}),
        node("less", "Less", "masked", "zero", T={"type": "DT_INT32"}),
        node("equal", "Equal", zero_test, "zero"),
        node("both", "LogicalAnd", "equal", "less"),
        node("chosen", "SelectV2", "both", "zero", "x"),
        node("y", "ArgMax", "chosen", "zero"),
        output="y",
    )


def test_the_sign_of_a_zero_is_not_looked_at() -> None:
    done = repair_document(sign())
    assert [repair.id for repair in done.applied] == ["zero-sign"]
    nodes = nodes_of(done.model_json)
    assert (nodes["bits"]["op"], nodes["bits"]["input"]) == ("ZerosLike", ["x"])
    assert (nodes["masked"]["op"], nodes["masked"]["input"]) == ("Identity", ["x"])
    assert nodes["less"]["input"] == ["masked", "bits"]
    assert nodes["less"]["attr"]["T"] == {"type": "DT_FLOAT"}
    assert repair_document(done.model_json).applied == ()


def test_bits_that_are_not_a_zeros_stay() -> None:
    assert repair_ids(sign(zero_test="mask")) == []
