"""Graphs that TensorFlow runs and TensorFlow.js does not."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from support.repaired import graph, loop, node, repair_ids

from tfjs_compat.repairs.document import repair_document


def test_only_the_control_inputs_that_keep_a_loop_waiting_go() -> None:
    value = loop()
    done = repair_document(value)
    assert [repair.id for repair in done.applied] == ["loop-control-inputs"]
    inputs = {entry["name"]: entry["input"] for entry in done.model_json["modelTopology"]["node"]}
    assert inputs["gather"] == []
    assert inputs["one"] == []
    assert inputs["y"] == ["exit", "^exit"]
    assert repair_document(done.model_json).applied == ()


def words(*fused: str) -> dict[str, Any]:
    return {"list": {"s": [list(word.encode()) for word in fused]}}


def test_an_activation_leaves_a_fusion() -> None:
    fused = node("dense", "_FusedMatMul", "x", "k", "b", fused_ops=words("BiasAdd", "Tanh"), T={"type": "DT_FLOAT"})
    ends = (node("x", "Placeholder"), node("k", "Const"), node("b", "Const"))
    done = repair_document(graph(*ends, fused, node("y", "Identity", "dense"), output="y"))
    nodes = {entry["name"]: entry for entry in done.model_json["modelTopology"]["node"]}
    assert (nodes["dense"]["op"], nodes["dense"]["input"]) == ("Tanh", ["dense/before_Tanh"])
    assert nodes["dense/before_Tanh"]["attr"]["fused_ops"] == words("BiasAdd")
    assert nodes["dense/before_Tanh"]["input"] == ["x", "k", "b"]
    for kept in ("Relu", "GeluExact"):
        fused["attr"]["fused_ops"] = words("BiasAdd", kept)
        assert repair_ids(graph(*ends, fused, node("y", "Identity", "dense"), output="y")) == []


def dueling(columns: int = 3, fused: tuple[str, ...] = ("BiasAdd",)) -> dict[str, Any]:
    """value + (advantages - mean), as oneDNN fuses it."""
    words = {"list": {"s": [base64.b64encode(word.encode()).decode() for word in fused]}}
    value = graph(
        node("x", "Placeholder"),
        *(node(name, "Const") for name in ("v", "a", "axis")),
        node("advantages", "MatMul", "x", "a"),
        node("mean", "Mean", "advantages", "axis"),
        node("centred", "Sub", "advantages", "mean"),
        node("y", "_FusedMatMul", "x", "v", "centred", T={"type": "DT_FLOAT"}, fused_ops=words),
        output="y",
    )
    shapes = {"v": [8, 1], "a": [8, columns], "axis": []}
    weights = [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in shapes.items()]
    return {**value, "weightsManifest": [{"paths": [], "weights": weights}]}


@pytest.mark.parametrize("fused", [("BiasAdd",), ("BiasAdd", "Relu")])
def test_an_addition_that_widens_a_product_is_done_after_it(fused: tuple[str, ...]) -> None:
    done = repair_document(dueling(fused=fused))
    assert [repair.id for repair in done.applied] == ["unfuse-addition"]
    nodes = {entry["name"]: (entry["op"], entry["input"]) for entry in done.model_json["modelTopology"]["node"]}
    total = "y" if len(fused) == 1 else "y/sum"
    assert nodes["y/product"] == ("MatMul", ["x", "v"])
    assert nodes[total] == ("AddV2", ["y/product", "centred"])
    assert nodes["y"][0] == ("AddV2" if len(fused) == 1 else "Relu")
    assert repair_document(done.model_json).applied == ()


@pytest.mark.parametrize("document", [dueling(columns=1), dueling(fused=("BiasAdd", "Gelu")), dueling(fused=())])
def test_other_fusions_stay(document: dict[str, Any]) -> None:
    assert "unfuse-addition" not in repair_ids(document)
