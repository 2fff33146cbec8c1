"""Layers put before or behind a layer: activations that TensorFlow.js lacks, inputs whose shape would be overwritten.

These look at models that are wired as Keras 2 wires them, so they come after `inbound_nodes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfjs_compat.artifact.layers import Layer, camel_case, inbound_nodes_of, member
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.inbound_nodes import is_tensor_ref, reference_name
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import is_keras3, layers_of, models_of, place_of

_ACTIVATED = frozenset(
    {
        "Activation", "Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "Dense", "DepthwiseConv2D",
        "SeparableConv2D",
    }
)  # fmt: skip

_HARD_SIGMOID: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Rescaling", {"scale": 1.0, "offset": 3.0}),
    ("ReLU", {"max_value": 6.0}),
    ("Rescaling", {"scale": 1 / 6, "offset": 0.0}),
)
_CHAINS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "hardSigmoid": _HARD_SIGMOID,
    "hardSilu": _HARD_SIGMOID,
    "hardSwish": _HARD_SIGMOID,
    "leakyRelu": (("LeakyReLU", {"alpha": 0.2}),),
}
_TIMES_INPUT = frozenset({"hardSilu", "hardSwish"})
"""Activations that multiply what the chain gives with their input."""


def _entry(class_name: str, name: str, nodes: list[Any] | None = None, **config: Any) -> dict[str, Any]:
    made = {"class_name": class_name, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}
    return made if nodes is None else {**made, "name": name, "inbound_nodes": nodes}


def _chained(layer: Layer, keras3: bool) -> str | None:
    """The activation of a layer that has to become a chain; None if it need not, or cannot."""
    value = layer.config.get("activation")
    if layer.class_name not in _ACTIVATED or layer.wrapped or not isinstance(value, str):
        return None
    name = camel_case(value)
    if name not in _CHAINS or (name == "hardSigmoid" and not keras3):
        return None
    return name


def _activation_chains(document: Document) -> Iterator[Edit]:
    keras3 = is_keras3(document)
    for model in models_of(document):
        yield from _chain_functional(
            model, {reference_name(layer): _chained(layer, keras3) for layer in model.children}
        )
    for model in layers_of(document, "Sequential"):
        yield from _chain_sequential(model, [_chained(layer, keras3) for layer in model.children])


def _chain_sequential(model: Layer, activations: Sequence[str | None]) -> Iterator[Edit]:
    layers: Any = model.config.get("layers")
    if not isinstance(layers, list) or len(layers) != len(activations):
        return
    if not any(name is not None and name not in _TIMES_INPUT for name in activations):
        return
    spliced: list[Any] = []
    for layer, entry, name in zip(model.children, layers, activations, strict=True):
        if name is None or name in _TIMES_INPUT:
            spliced.append(entry)
            continue
        spliced.append({**entry, "config": {**entry["config"], layer.raw["activation"]: "linear"}})
        for step, (class_name, config) in enumerate(_CHAINS[name]):
            spliced.append(_entry(class_name, f"{layer.name}_activation_{step}", **config))
    yield Put(place_of(model, "layers"), spliced)


def _chain_functional(model: Layer, activations: Mapping[str, str | None]) -> Iterator[Edit]:
    """The chain goes behind the layer, and who took from the layer takes from the chain's end."""
    nodes_by_name = _keras2_nodes(model)
    chosen = {name: activation for name, activation in activations.items() if activation is not None}
    if not chosen or nodes_by_name is None or len(activations) != len(model.children):
        return
    ends: dict[str, str] = {}
    added: list[dict[str, Any]] = []
    for name, activation in chosen.items():
        calls = range(len(nodes_by_name[name]))
        before = name
        for step, (class_name, config) in enumerate(_CHAINS[activation]):
            nodes = [[[before, index, 0, {}]] for index in calls]
            before = f"{name}_activation_{step}"
            added.append(_entry(class_name, before, nodes, **config))
        if activation in _TIMES_INPUT:
            nodes = [[[name, index, 0, {}], [before, index, 0, {}]] for index in calls]
            before = f"{name}_activation"
            added.append(_entry("Multiply", before, nodes))
        ends[name] = before
    if not {entry["name"] for entry in added}.isdisjoint(activations):
        return
    for layer in model.children:
        name = reference_name(layer)
        if name in chosen:
            yield Put(place_of(layer, "activation"), "linear")
        if any(tensor[0] in ends for node in nodes_by_name[name] for tensor in node):
            moved = [[[ends.get(tensor[0], tensor[0]), *tensor[1:]] for tensor in node] for node in nodes_by_name[name]]
            yield Put((*layer.place, member(layer.entry, "inboundNodes")[0]), moved)
    for index, entry in enumerate(added):
        yield Put((*place_of(model, "layers"), len(model.children) + index), entry)
    outputs: Any = model.config["outputLayers"]
    if any(end[0] in ends for end in outputs):
        yield Put(place_of(model, "outputLayers"), [[ends.get(end[0], end[0]), *end[1:]] for end in outputs])


def _keras2_nodes(model: Layer) -> dict[str, list[list[Any]]] | None:
    """The nodes of each layer of a model, as Keras 2 writes them; None for any other."""
    outputs = model.config.get("outputLayers")
    if not isinstance(outputs, list) or not all(is_tensor_ref(end) for end in outputs):
        return None
    nodes_by_name: dict[str, list[list[Any]]] = {}
    for layer in model.children:
        nodes = inbound_nodes_of(layer)[1]
        if not isinstance(nodes, list) or not all(isinstance(node, list) for node in nodes):
            return None
        if not all(isinstance(ref, list) and is_tensor_ref(ref[:3]) for node in nodes for ref in node):
            return None
        nodes_by_name[reference_name(layer)] = nodes
    return nodes_by_name if len(nodes_by_name) == len(model.children) else None


# --------------------------------------------------------------------------------------------------- input shapes


def _overwrites(layer: Layer, shape: Sequence[Any]) -> bool:
    """Whether working out a layer's output shape changes the shape of its input, which is this (with the batch)."""
    if layer.class_name == "CategoryEncoding":
        return bool(shape[-1] != layer.config.get("numTokens"))
    if layer.class_name == "CenterCrop" and len(shape) >= 3:
        return list(shape[-3:-1]) != [layer.config.get("height"), layer.config.get("width")]
    return False


def _input_shapes(document: Document) -> Iterator[Edit]:
    """``computeOutputShape`` writes into the array that is the input's shape; a Reshape between has one of its own."""
    for model in models_of(document):
        nodes_by_name = _keras2_nodes(model)
        if nodes_by_name is None:
            continue
        by_name = {reference_name(layer): layer for layer in model.children}
        end = len(model.children)
        for name, layer in by_name.items():
            nodes = nodes_by_name[name]
            source = by_name.get(nodes[0][0][0]) if len(nodes) == 1 and len(nodes[0]) == 1 else None
            shape = _known_shape(source)
            between = f"{name}_input"
            if shape is None or not _overwrites(layer, shape) or between in by_name:
                continue
            yield Put((*place_of(model, "layers"), end), _entry("Reshape", between, nodes, target_shape=shape[1:]))
            yield Put((*layer.place, member(layer.entry, "inboundNodes")[0]), [[[between, 0, 0, {}]]])
            end += 1
    for model in layers_of(document, "Sequential"):
        layers: Any = model.config.get("layers")
        if len(model.children) < 2 or not isinstance(layers, list) or len(layers) != len(model.children):
            continue
        first, second = model.children[:2]
        shape = _known_shape(first)
        if shape is not None and _overwrites(second, shape):
            between_layers = _entry("Reshape", f"{second.name}_input", target_shape=shape[1:])
            yield Put(place_of(model, "layers"), [layers[0], between_layers, *layers[1:]])


def _known_shape(layer: Layer | None) -> list[Any] | None:
    """The shape of an input, if all of it but the batch is known."""
    shape = layer.config.get("batchInputShape") if layer is not None and layer.class_name == "InputLayer" else None
    if not isinstance(shape, list) or len(shape) < 2 or not all(isinstance(size, int) for size in shape[1:]):
        return None
    return shape


CHAINS = (
    Repair(
        id="activation-chain",
        title="an activation that TensorFlow.js has not, or defines otherwise, becomes layers that compute it",
        cures=("unknown-layer", "activation-redefined"),
        formats=("layers",),
        versions="Keras >= 3.0 (hard_sigmoid, hard_silu), any Keras (leaky_relu); not inside recurrent layers",
        find=_activation_chains,
    ),
    Repair(
        id="input-shape-overwritten",
        title="a Reshape stands between an input and a layer that overwrites the input's shape",
        cures=("ignored-setting",),
        formats=("layers",),
        versions="any Keras (CategoryEncoding, CenterCrop)",
        find=_input_shapes,
    ),
)
