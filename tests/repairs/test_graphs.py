"""Graphs that TensorFlow runs and TensorFlow.js does not."""

from __future__ import annotations

from typing import Any

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
