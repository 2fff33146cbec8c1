"""TensorFlow.js artifacts written by hand: small layers models and graph models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

KERNEL = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]], "float32")
BIAS = np.array([0.125, -0.5], "float32")
X = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], "float32")
Y = X @ KERNEL + BIAS


def put_artifact(folder: Path, model: dict[str, Any], weights: dict[str, np.ndarray], **options: Any) -> None:
    """Write model.json and one shard. ``options``: ``paths`` instead of the shard's, ``manifest`` instead of all."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = [{"name": name, "shape": list(array.shape), "dtype": array.dtype.name} for name, array in weights.items()]
    (folder / "group1-shard1of1.bin").write_bytes(b"".join(array.tobytes() for array in weights.values()))
    manifest = [{"paths": options.get("paths", ["group1-shard1of1.bin"]), "weights": specs}]
    (folder / "model.json").write_text(json.dumps({**model, "weightsManifest": options.get("manifest", manifest)}))


def dense(name: str, source: list[Any], units: int = 2) -> dict[str, Any]:
    config = {"name": name, "units": units, "activation": "linear", "use_bias": True}
    return {"class_name": "Dense", "name": name, "config": config, "inbound_nodes": [source]}


def entry(name: str, shape: list[int | None], dtype: str = "float32") -> dict[str, Any]:
    config = {"name": name, "batch_input_shape": [None, *shape], "dtype": dtype}
    return {"class_name": "InputLayer", "name": name, "config": config, "inbound_nodes": []}


def functional(layers: list[dict[str, Any]], inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    config = {"name": "model", "layers": layers, "input_layers": inputs, "output_layers": outputs}
    topology = {"model_config": {"class_name": "Functional", "config": config}, "keras_version": "2.15.0"}
    return {"format": "layers-model", "modelTopology": topology}


def one_dense() -> dict[str, Any]:
    return functional([entry("x", [3]), dense("d", [["x", 0, 0, {}]])], [["x", 0, 0]], [["d", 0, 0]])


def flat_io() -> dict[str, Any]:
    """What Keras >= 3.11 writes for a single input: TensorFlow.js takes the name's first letter for a layer."""
    return functional([entry("entry", [3]), dense("d", [["entry", 0, 0, {}]])], ["entry", 0, 0], [["d", 0, 0]])


WEIGHTS = {"d/kernel": KERNEL, "d/bias": BIAS}


def graph_node(name: str, op: str, inputs: list[str] = [], **attributes: Any) -> dict[str, Any]:  # noqa: B006
    return {"name": name, "op": op, "input": inputs, "attr": attributes}


def place(name: str, kind: str, *sizes: int) -> dict[str, Any]:
    shape = {"shape": {"dim": [{"size": str(size)} for size in sizes]}}
    return graph_node(name, "Placeholder", dtype={"type": kind}, shape=shape)


def graph(nodes: list[dict[str, Any]], inputs: dict[str, str], outputs: dict[str, str]) -> dict[str, Any]:
    kinds = {node["name"]: node["attr"]["dtype"]["type"] for node in nodes if "dtype" in node["attr"]}
    signature = {
        "inputs": {key: {"name": name, "dtype": kinds[name.split(":")[0]]} for key, name in inputs.items()},
        "outputs": {key: {"name": name, "dtype": "DT_FLOAT"} for key, name in outputs.items()},
    }
    topology = {"node": nodes, "library": {}, "versions": {"producer": 1}}
    return {"format": "graph-model", "modelTopology": topology, "signature": signature}


FLOAT = {"type": "DT_FLOAT"}
CONSTANTS = [graph_node(name, "Const", dtype=FLOAT) for name in ("kernel", "bias")]
PRODUCT = [
    graph_node("product", "MatMul", ["x", "kernel"], T=FLOAT, transpose_a={"b": False}, transpose_b={"b": False}),
    graph_node("sum", "BiasAdd", ["product", "bias"], T=FLOAT),
]
GRAPH_WEIGHTS = {"kernel": KERNEL, "bias": BIAS}


def one_product() -> dict[str, Any]:
    nodes = [place("x", "DT_FLOAT", -1, 3), *CONSTANTS, *PRODUCT, graph_node("Identity", "Identity", ["sum"], T=FLOAT)]
    return graph(nodes, {"x": "x:0"}, {"d": "Identity:0"})
