"""The smallest documents with one defect, and what the repairs make of them."""

from __future__ import annotations

from typing import Any

from support.topologies import document, entry, functional, sequential
from tfjs_compat.repairs.document import repair_document


def repair_ids(value: dict[str, Any]) -> list[str]:
    return [repair.id for repair in repair_document(value).applied]


def repaired(root: dict[str, Any], weights: list[str] = []) -> dict[str, Any]:  # noqa: B006
    config = repair_document(document(root, weights)).model_json["modelTopology"]["model_config"]["config"]
    assert isinstance(config, dict)
    return config


def wired(*layers: dict[str, Any], inputs: Any = ["x", 0, 0], outputs: Any = ["y", 0, 0]) -> dict[str, Any]:  # noqa: B006
    return repaired(functional([entry("x", [3]), *layers], inputs, outputs))


def config_of(layer: dict[str, Any]) -> dict[str, Any]:
    made = repaired(sequential(entry("i", [3], wired=False), layer))["layers"][1]
    return {"class_name": made["class_name"], **made["config"]}


def node(name: str, op: str, *inputs: str, **attr: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attr}


def graph(*nodes: dict[str, Any], output: str) -> dict[str, Any]:
    topology = {"node": list(nodes), "library": {}, "versions": {"producer": 1}}
    signature = {"inputs": {}, "outputs": {"y": {"name": f"{output}:0", "dtype": "DT_FLOAT"}}}
    return {"format": "graph-model", "modelTopology": topology, "signature": signature, "weightsManifest": []}


def loop() -> dict[str, Any]:
    """A loop as grappler leaves it: the constant of a round waits, through a NoOp, for the loop's variable."""
    return graph(
        node("x", "Placeholder"),
        node("enter", "Enter", "x"),
        node("merge", "Merge", "enter", "next"),
        node("less", "Less", "merge", "x"),
        node("cond", "LoopCond", "less"),
        node("switch", "Switch", "merge", "cond"),
        node("gather", "NoOp", "^switch"),
        node("one", "Const", "^gather"),
        node("body", "Identity", "switch:1"),
        node("add", "AddV2", "body", "one"),
        node("next", "NextIteration", "add"),
        node("exit", "Exit", "switch"),
        node("y", "Identity", "exit", "^exit"),
        output="y",
    )
