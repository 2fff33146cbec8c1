"""The layers of a model.json and the places of their settings, for repairs to look at and to edit."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.layers import Layer, Place, member, read_layers, walk
from tfjs_compat.repairs.edits import Document


def root_of(document: Document) -> Layer | None:
    """The tree of layers of a layers model; None where there is none that could be read."""
    topology = document.get("modelTopology")
    return read_layers(topology).root if isinstance(topology, dict) else None


def layers_of(document: Document, *classes: str) -> Iterator[Layer]:
    """Every layer, cell and nested model of these classes (camelCase); of all, where none is named."""
    root = root_of(document)
    if root is not None:
        for layer in walk(root):
            if not classes or layer.class_name in classes:
                yield layer


def models_of(document: Document) -> Iterator[Layer]:
    """Every model that wires its layers by ``inbound_nodes``."""
    return (layer for layer in layers_of(document) if layer.is_model)


def place_of(layer: Layer, key: str) -> Place:
    """The place of a config value, given its camelCase key, which must be there."""
    return (*layer.place, "config", layer.raw[key])


def class_place(layer: Layer) -> Place:
    """The place of a layer's class name."""
    return (*layer.place, member(layer.entry, "className")[0])


def is_operation(layer: Layer) -> bool:
    """Whether this is an operation of ``keras.ops``: Keras writes ``trainable`` for every layer but an input."""
    return "trainable" not in layer.config and not layer.is_container and layer.class_name != "InputLayer"


def is_keras3(document: Document) -> bool:
    """Whether the document says that Keras 3 wrote it."""
    topology = document.get("modelTopology")
    version = topology.get("keras_version") if isinstance(topology, dict) else None
    return isinstance(version, str) and version.startswith("3.")
