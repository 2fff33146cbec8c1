"""Small layers models, as Keras 2 and Keras 3 write them, to take apart and to damage."""

from __future__ import annotations

from typing import Any

FLOAT32 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def layer(class_name: str, name: str, nodes: list[Any] | None = None, **config: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"class_name": class_name, "config": {"name": name, "trainable": True, **config}}
    return entry if nodes is None else {**entry, "name": name, "inbound_nodes": nodes}


def operation(class_name: str, name: str, nodes: list[Any], **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, **config}, "name": name, "inbound_nodes": nodes}


def entry(name: str, shape: list[int | None], wired: bool = True, key: str = "batch_shape") -> dict[str, Any]:
    made = {"class_name": "InputLayer", "config": {key: [None, *shape], "dtype": "float32", "name": name}}
    return {**made, "name": name, "inbound_nodes": []} if wired else made


def tensor(name: str, node: int = 0, output: int = 0, shape: tuple[int | None, ...] = (None, 3)) -> dict[str, Any]:
    config = {"shape": list(shape), "dtype": "float32", "keras_history": [name, node, output]}
    return {"class_name": "__keras_tensor__", "config": config}


def call(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"args": list(args), "kwargs": kwargs}


def document(root: dict[str, Any], weights: list[str] = [], version: str = "3.15.1") -> dict[str, Any]:  # noqa: B006
    entries = [{"name": name, "shape": [3], "dtype": "float32"} for name in weights]
    topology = {"keras_version": version, "model_config": root}
    manifest = [{"paths": ["group1-shard1of1.bin"], "weights": entries}]
    return {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}


def sequential(*layers: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": list(layers), **config}}


def functional(layers: list[dict[str, Any]], inputs: Any, outputs: Any, name: str = "functional") -> dict[str, Any]:
    config = {"name": name, "trainable": True, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "config": config}


def nodes_of(config: dict[str, Any], name: str) -> Any:
    return next(entry["inbound_nodes"] for entry in config["layers"] if entry["name"] == name)


def keras3() -> dict[str, Any]:
    """A functional model as Keras 3.15 writes it, with a nested Sequential and a nested Functional."""
    base = functional([entry("i", [3]), layer("Dense", "d", [call(tensor("i"))])], ["i", 0, 0], ["d", 0, 0], "base")
    head = sequential(entry("j", [3], wired=False), layer("Dense", "e", dtype=FLOAT32))
    head["config"]["name"] = "head"
    layers = [
        entry("x", [3]),
        {**base, "name": "base", "inbound_nodes": [call(tensor("x"), mask=None), call(tensor("x"), training=False)]},
        layer("Add", "add", [call([tensor("base"), tensor("base", 1)])], dtype=FLOAT32),
        {**head, "name": "head", "inbound_nodes": [call(tensor("add"))]},
    ]
    names = ["d/kernel", "d/bias", "head/e/kernel", "head/e/bias"]
    return document(functional(layers, ["x", 0, 0], [["head", 0, 0], ["base", 1, 0]]), names)


def keras2() -> dict[str, Any]:
    layers = [
        entry("x", [3], key="batch_input_shape"),
        layer("Dense", "d", [[["x", 0, 0, {}]]], dtype="float32", activation="relu"),
    ]
    return document(functional(layers, [["x", 0, 0]], [["d", 0, 0]]), ["d/kernel", "d/bias"], "2.15.0")


def keras_object(module: str, class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": f"keras.{module}", "class_name": class_name, "config": config, "registered_name": None}
