"""Graphs in which TensorFlow.js computes with other values."""

from __future__ import annotations

from typing import Any

from support.repaired import graph, node, repair_ids

from tfjs_compat.repairs.document import repair_document


def branch(pivot_output: str, *merged: str) -> dict[str, Any]:
    """``y`` merges a constant of the branch that hangs on an output of the Switch, and what comes otherwise."""
    return graph(
        node("x", "Placeholder"),
        node("p", "Greater", "x", "x"),
        node("switch", "Switch", "p", "p"),
        node("pivot", "Identity", f"switch{pivot_output}"),
        node("constant", "Const", "^pivot"),
        node("other", "Switch", "x", "p"),
        node("y", "Merge", *merged),
        output="y",
    )


def nodes_of(document: Any) -> dict[str, Any]:
    return {entry["name"]: entry for entry in document["modelTopology"]["node"]}


def test_a_constant_of_a_branch_goes_through_a_switch() -> None:
    for pivot, side in ((":1", "y/constant_0:1"), ("", "y/constant_0")):
        done = repair_document(branch(pivot, "constant", "other"))
        assert [repair.id for repair in done.applied] == ["branch-constant"]
        nodes = nodes_of(done.model_json)
        assert nodes["y"]["input"] == [side, "other"]
        assert (nodes["y/constant_0"]["op"], nodes["y/constant_0"]["input"]) == ("Switch", ["constant", "p"])
        assert repair_document(done.model_json).applied == ()


def test_a_constant_outside_branches_stays() -> None:
    value = branch(":1", "other", "other:1")
    assert repair_ids(value) == []


def lookup(*sizes: str) -> dict[str, Any]:
    shape = {"shape": {"dim": [{"size": size} for size in sizes]}}
    return graph(
        node("keys", "Placeholder", shape=shape),
        node("table", "Placeholder"),
        node("default", "Const"),
        node("lower", "StringLower", "keys"),
        node("found", "LookupTableFindV2", "table", "lower", "default", Tin={"type": "DT_STRING"}),
        node("y", "Identity", "found"),
        output="y",
    )


def test_what_is_looked_up_gets_the_shape_of_its_keys() -> None:
    done = repair_document(lookup("-1", "3"))
    assert [repair.id for repair in done.applied] == ["lookup-shape"]
    nodes = nodes_of(done.model_json)
    assert (nodes["found"]["op"], nodes["found"]["input"]) == ("Reshape", ["found/flat", "found/keys_shape"])
    assert nodes["found/flat"]["input"] == ["table", "lower", "default"]
    assert nodes["found/keys_shape"]["input"] == ["lower"]
    assert repair_document(done.model_json).applied == ()


def test_a_list_of_keys_needs_no_shape() -> None:
    assert repair_ids(lookup("-1")) == []


def band(*widths: str) -> dict[str, Any]:
    return graph(
        node("x", "Placeholder"),
        node("low", "Const"),
        node("high", "Const"),
        node("y", "MatrixBandPart", "x", *widths, T={"type": "DT_BOOL"}, Tindex={"type": "DT_INT32"}),
        output="y",
    )


def test_a_band_of_two_widths_is_chosen_by_row_and_column() -> None:
    done = repair_document(band("low", "high"))
    assert [repair.id for repair in done.applied] == ["band-part"]
    nodes = nodes_of(done.model_json)
    assert (nodes["y"]["op"], nodes["y"]["input"]) == ("SelectV2", ["y/kept", "x", "y/nothing"])
    assert nodes["y/lower_near"]["input"] == ["y/below", "low"]
    assert nodes["y/upper_near"]["input"] == ["y/above", "high"]
    assert {source.split(":")[0] for entry in nodes.values() for source in entry["input"]} <= set(nodes)
    assert repair_document(done.model_json).applied == ()


def test_a_band_of_one_width_stays() -> None:
    assert repair_ids(band("low", "low")) == []


def test_a_cumulative_sum_counts_its_axis_from_the_front() -> None:
    value = graph(node("x", "Placeholder"), node("axis", "Const"), node("y", "Cumsum", "x", "axis"), output="y")
    done = repair_document(value)
    assert [repair.id for repair in done.applied] == ["cumulative-axis"]
    nodes = nodes_of(done.model_json)
    assert nodes["y"]["input"] == ["x", "y/axis_from_front"]
    assert (nodes["y/axis_from_front"]["op"], nodes["y/axis_from_front"]["input"]) == ("FloorMod", ["axis", "y/rank"])
    assert repair_document(done.model_json).applied == ()
