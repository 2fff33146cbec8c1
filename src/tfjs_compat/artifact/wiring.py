"""Which layer of a model feeds which: the inputs of its nodes, and the layers that its outputs need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tfjs_compat.artifact.layers import Layer, inbound_nodes_of
from tfjs_compat.artifact.vocabulary import Vocabulary

_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/]*")  # tensorNameRegex in common.ts


def is_tensor_name(name: str) -> bool:
    """Whether TensorFlow.js lets a tensor or a variable have this name."""
    return _NAME.fullmatch(name) is not None


def inputs_of_nodes(nodes: object) -> list[list[tuple[str, int]]] | None:
    """For each node the (layer, node index) pairs that it takes its inputs from.

    None if these are not the ``inbound_nodes`` of Keras 2, a list of lists.
    """
    if not isinstance(nodes, list) or not all(isinstance(node, list) for node in nodes):
        return None
    return [[_reference(item) for item in node] for node in nodes]


def _reference(item: Any) -> tuple[str, int]:
    """What ``inputData[0]`` and ``inputData[1]`` are in JavaScript: of a string, its first characters."""
    if isinstance(item, list | str) and len(item) > 0:
        name = item[0]
        index = item[1] if len(item) > 1 and isinstance(item[1], int) else 0
        return (name if isinstance(name, str) else ""), index
    return "", 0


_MANY = 1 << 30


def initial_node_count(layer: Layer, vocabulary: Vocabulary) -> int:
    """Nodes that a layer has before it is called: an input has its own, and so has a model that is used as a layer.

    Of a class that is not registered nothing is known.
    """
    if layer.class_name not in vocabulary.classes:
        return _MANY
    return 1 if layer.class_name == "InputLayer" or layer.is_container else 0


def reachable_layers(model: Layer) -> Sequence[Layer]:
    """The layers that a model keeps: those on a way back from its outputs. All of them if the way cannot be read."""
    if not model.is_model:
        return model.children
    by_name = {layer.name: layer for layer in model.children}
    outputs = inputs_of_nodes([model.config.get("outputLayers")])
    if outputs is None:
        return model.children
    frontier = [name for name, _ in outputs[0]]
    kept: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name in kept:
            continue
        if name not in by_name:
            return model.children
        kept.add(name)
        nodes = inputs_of_nodes(inbound_nodes_of(by_name[name])[1])
        if nodes is None:
            return model.children
        frontier.extend(source for node in nodes for source, _ in node)
    return [layer for layer in model.children if layer.name in kept]
