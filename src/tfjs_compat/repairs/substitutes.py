"""Layers and operations that TensorFlow.js does not have, replaced by its layers that compute the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfjs_compat.artifact.layers import Layer, inbound_nodes_of
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.inbound_nodes import is_tensor_ref, reference_name
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import is_operation, layers_of, models_of, place_of

_ACTIVATIONS = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "swish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Selu": "selu",
}
"""Operations of ``keras.ops`` that are activations, whatever they are made with."""

_POOLING = frozenset({"GlobalAveragePooling2D", "GlobalMaxPooling2D"})


def _finite_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _is_float(value: object) -> bool:
    """Whether an argument of a call is a tensor of float32."""
    if not isinstance(value, Mapping) or value.get("class_name") != "__keras_tensor__":
        return False
    config = value.get("config")
    return (
        isinstance(config, Mapping) and config.get("dtype") == "float32" and is_tensor_ref(config.get("keras_history"))
    )


def _only_call(layer: Layer) -> list[Any] | None:
    """The arguments of a layer that is called once, as Keras 3 writes it, with nothing by name."""
    nodes = inbound_nodes_of(layer)[1]
    if not isinstance(nodes, list) or len(nodes) != 1 or not isinstance(nodes[0], Mapping):
        return None
    arguments, keywords = nodes[0].get("args"), nodes[0].get("kwargs") or {}
    given = isinstance(keywords, Mapping) and any(value is not None for value in keywords.values())
    return list(arguments) if isinstance(arguments, list) and not given else None


def _call(*arguments: Any) -> list[Any]:
    return [{"args": list(arguments), "kwargs": {}}]


# ------------------------------------------------------------------------------------------------------ operations


def _operations(document: Document) -> Iterator[Edit]:
    for model in models_of(document):
        for layer in model.children:
            arguments = _only_call(layer) if is_operation(layer) else None
            tensors = [argument for argument in arguments or () if _is_float(argument)]
            if not arguments or len(tensors) != 1:
                continue
            made = _as_layer(layer, arguments, arguments.index(tensors[0]))
            if made is not None:
                class_name, config = made
                name = reference_name(layer)
                whole = {"name": name, "trainable": True, "dtype": "float32", **config}
                yield Put(
                    layer.place,
                    {"class_name": class_name, "config": whole, "name": name, "inbound_nodes": _call(tensors[0])},
                )


def _as_layer(layer: Layer, arguments: Sequence[Any], at: int) -> tuple[str, dict[str, Any]] | None:
    """Class and config of the layer that computes what an operation does with one tensor."""
    if len(arguments) == 1:
        if layer.class_name in _ACTIVATIONS:
            return "Activation", {"activation": _ACTIVATIONS[layer.class_name]}
        if layer.class_name == "Softmax" and layer.config.get("axis") == -1:
            return "Activation", {"activation": "softmax"}
        return ("Rescaling", {"scale": -1.0, "offset": 0.0}) if layer.class_name == "Negative" else None
    number = _finite_number(arguments[1 - at]) if len(arguments) == 2 else None
    if number is None:
        return None
    scale, offset = {
        "Multiply": (number, 0.0),
        "Add": (1.0, number),
        "Subtract": (1.0, -number) if at == 0 else (-1.0, number),
        "TrueDivide": (1 / number if number and at == 0 else None, 0.0),
    }.get(layer.class_name, (None, 0.0))
    return None if scale is None else ("Rescaling", {"scale": scale, "offset": offset})


# --------------------------------------------------------------------------------------------------------- layers


class _AddedLayers:
    """Layers added behind a model's own."""

    def __init__(self, model: Layer) -> None:
        self._place = place_of(model, "layers")
        self._end = len(model.children)
        self._names = {reference_name(layer) for layer in model.children}

    def add(self, class_name: str, name: str, nodes: Any, **config: Any) -> Edit:
        """The edit that adds a layer."""
        self._names.add(name)
        whole = {"name": name, "trainable": True, "dtype": "float32", **config}
        entry = {"class_name": class_name, "config": whole, "name": name, "inbound_nodes": nodes}
        self._end += 1
        return Put((*self._place, self._end - 1), entry)

    def free(self, *names: str) -> bool:
        """Whether no layer has one of these names."""
        return self._names.isdisjoint(names)


def _wired_models(document: Document) -> Iterator[tuple[Layer, _AddedLayers]]:
    for model in models_of(document):
        if isinstance(model.config.get("layers"), list) and len(model.config["layers"]) == len(model.children):
            yield model, _AddedLayers(model)


def _subtract(document: Document) -> Iterator[Edit]:
    """``a - b`` is ``a + (-1) b``; of Keras 2, where the nodes are lists, too."""
    for model, extra in _wired_models(document):
        for layer in model.children:
            if layer.class_name != "Subtract" or not extra.free(f"{reference_name(layer)}_negative"):
                continue
            name = f"{reference_name(layer)}_negative"
            nodes = inbound_nodes_of(layer)[1]
            arguments = _only_call(layer)
            pair = arguments[0] if arguments and len(arguments) == 1 else arguments
            if isinstance(pair, list) and len(pair) == 2 and all(_is_float(tensor) for tensor in pair):
                negative = {"shape": pair[1]["config"].get("shape"), "dtype": "float32", "keras_history": [name, 0, 0]}
                second: Any = {"class_name": "__keras_tensor__", "config": negative}
                yield extra.add("Rescaling", name, _call(pair[1]), scale=-1.0, offset=0.0)
                wires: Any = _call([pair[0], second])
            elif _is_pair(nodes):
                yield extra.add("Rescaling", name, [[nodes[0][1]]], scale=-1.0, offset=0.0)
                wires = [[nodes[0][0], [name, 0, 0, {}]]]
            else:
                continue
            config = {"trainable": True, "dtype": "float32", **layer.entry["config"], "name": reference_name(layer)}
            yield Put(layer.place, {**layer.entry, "class_name": "Add", "config": config, "inbound_nodes": wires})


def _is_pair(nodes: object) -> bool:
    """One node of Keras 2 with two tensors."""
    return (
        isinstance(nodes, list)
        and len(nodes) == 1
        and isinstance(nodes[0], list)
        and len(nodes[0]) == 2
        and all(isinstance(ref, list) and is_tensor_ref(ref[:3]) for ref in nodes[0])
    )


def _keep_pooled_axes(document: Document) -> Iterator[Edit]:
    """RepeatVector(1) puts an axis of 1 behind the batch, and in TimeDistributed another behind that."""
    for model, extra in _wired_models(document):
        for layer in model.children:
            name = reference_name(layer)
            pooled, once = f"{name}_pooled", f"{name}_once"
            nodes = inbound_nodes_of(layer)[1]
            ours = layer.class_name in _POOLING and layer.is_set("keepdims") and not layer.wrapped
            if not ours or not isinstance(nodes, list) or len(nodes) != 1 or not extra.free(pooled, once):
                continue
            yield extra.add(layer.class_name, pooled, nodes, **_without_name(layer), **{layer.raw["keepdims"]: False})
            keras2 = isinstance(nodes[0], list)
            yield extra.add("RepeatVector", once, _from(pooled, keras2), n=1)
            yield Put(layer.place, _twice(name, _from(once, keras2)))
    for model in layers_of(document, "Sequential"):
        layers: Any = model.config.get("layers")
        if not isinstance(layers, list) or len(layers) != len(model.children):
            continue
        if not any(layer.class_name in _POOLING and layer.is_set("keepdims") for layer in model.children):
            continue
        spliced: list[Any] = []
        for layer, entry in zip(model.children, layers, strict=True):
            if layer.class_name in _POOLING and layer.is_set("keepdims"):
                config = {"name": f"{layer.name}_pooled", **_without_name(layer), layer.raw["keepdims"]: False}
                spliced.append({**entry, "config": config})
                spliced.append({"class_name": "RepeatVector", "config": {"name": f"{layer.name}_once", "n": 1}})
                spliced.append(_twice(layer.name))
            else:
                spliced.append(entry)
        yield Put(place_of(model, "layers"), spliced)


def _without_name(layer: Layer) -> dict[str, Any]:
    gone = ("name", "keepdims", "trainable", "dtype")
    return {layer.raw[key]: value for key, value in layer.config.items() if key not in gone}


def _from(name: str, keras2: bool) -> list[Any]:
    if keras2:
        return [[[name, 0, 0, {}]]]
    config = {"shape": None, "dtype": "float32", "keras_history": [name, 0, 0]}
    return _call({"class_name": "__keras_tensor__", "config": config})


def _twice(name: str, nodes: list[Any] | None = None) -> dict[str, Any]:
    inner = {"class_name": "RepeatVector", "config": {"name": f"{name}_again", "trainable": True, "n": 1}}
    entry = {"class_name": "TimeDistributed", "config": {"name": name, "trainable": True, "layer": inner}}
    return entry if nodes is None else {**entry, "name": name, "inbound_nodes": nodes}


def _reshape_sizes(document: Document) -> Iterator[Edit]:
    """Keras 3 says at each call which shape it gets: also what a size of -1 came to."""
    for model in models_of(document):
        shapes: dict[str, Any] = {}
        for layer in model.children:
            for tensor in _tensors_in(inbound_nodes_of(layer)[1]):
                shapes.setdefault(tensor["keras_history"][0], tensor.get("shape"))
        for layer in model.children:
            target, shape = layer.config.get("targetShape"), shapes.get(reference_name(layer))
            if layer.class_name != "Reshape" or not isinstance(target, list) or -1 not in target:
                continue
            sizes = shape[1:] if isinstance(shape, list) else []
            if len(sizes) == len(target) and all(isinstance(size, int) and size > 0 for size in sizes):
                yield Put(place_of(layer, "targetShape"), sizes)


def _tensors_in(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            config = value.get("config")
            if isinstance(config, Mapping) and is_tensor_ref(config.get("keras_history")):
                yield config
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _tensors_in(item)


LAYER_SUBSTITUTES = (
    Repair(
        id="operation",
        title="arithmetic with a number becomes a Rescaling, an activation of keras.ops an Activation",
        cures=("keras3-inbound-nodes", "unknown-layer"),
        formats=("layers",),
        versions="Keras >= 3.0",
        find=_operations,
    ),
    Repair(
        id="subtract",
        title="Subtract becomes an Add with a Rescaling by -1 before it",
        cures=("unknown-layer",),
        formats=("layers",),
        versions="any Keras",
        find=_subtract,
    ),
    Repair(
        id="pooling-keepdims",
        title="a global pooling that keeps its axes gets them back by RepeatVector",
        cures=("ignored-setting",),
        formats=("layers",),
        versions="any Keras",
        find=_keep_pooled_axes,
    ),
    Repair(
        id="reshape-size",
        title="a size of -1 in a Reshape becomes the size that Keras worked out",
        cures=("ignored-setting",),
        formats=("layers",),
        versions="Keras >= 3.0, of functional models",
        find=_reshape_sizes,
    ),
)
