"""Activations, initializers and regularizers that TensorFlow.js has under another name, or need not have at all.

What is renamed stands in ``names.toml``. Initializers make values that the weights replace, and regularizers add to a
loss: neither changes a prediction, so that one that TensorFlow.js does not have can go.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli

from tfjs_compat.artifact.layers import Layer, member
from tfjs_compat.artifact.object_names import OBJECT_KEYS, REGISTERED_NAMES, object_class
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import layers_of, place_of


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    return tomli.loads(Path(__file__).with_name("names.toml").read_text("utf-8"))


def _objects(document: Document, kind: str) -> Iterator[tuple[Layer, str, Any]]:
    """Every config value of that kind that TensorFlow.js hands to its deserializer: the layer, the key, the value."""
    for layer in layers_of(document):
        for key in OBJECT_KEYS.get(layer.class_name, ()):
            value = layer.config.get(key)
            if key.lower().endswith(kind) and value is not None:
                yield layer, key, value


def _function_name(value: Any) -> str | None:
    """The name of an activation: a string, or a Keras function as an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        name = value.get("config")
        if isinstance(name, str) and value.get("module") in (None, "builtins", "keras.activations"):
            return name
    return None


def _activations(document: Document) -> Iterator[Edit]:
    for layer, key, value in _objects(document, "activation"):
        name = _function_name(value)
        if name is not None:
            known = _table()["activation"].get(name, name)
            if known != value and (isinstance(value, str) or known in REGISTERED_NAMES["activation"]):
                yield Put(place_of(layer, key), known)


def _initializers(document: Document) -> Iterator[Edit]:
    for layer, key, value in _objects(document, "initializer"):
        if not value:
            continue
        name = object_class("initializer", value)
        known = _table()["initializer"].get(name or "", name)
        place = place_of(layer, key)
        if name is None or known not in REGISTERED_NAMES["initializer"]:
            yield Put(place, {"class_name": "Zeros", "config": {}})
        elif known != name:
            if isinstance(value, str):
                yield Put(place, {"class_name": known, "config": {}})
            else:
                yield Put((*place, member(value, "className")[0]), known)
        if known == "VarianceScaling" and isinstance(value, Mapping) and isinstance(value.get("config"), Mapping):
            word = value["config"].get("distribution")
            if isinstance(word, str) and word in _table()["distribution"]:
                yield Put((*place, "config", "distribution"), _table()["distribution"][word])


def _regularizers(document: Document) -> Iterator[Edit]:
    for layer, key, value in _objects(document, "regularizer"):
        new = _table()["regularizer"].get(object_class("regularizer", value) or "")
        if new is not None and isinstance(value, Mapping) and isinstance(value.get("config"), Mapping):
            config = {**value["config"], **new["config"]}
            yield Put(place_of(layer, key), {**value, "class_name": new["class_name"], "config": config})


def _unknown_regularizers(document: Document) -> Iterator[Edit]:
    for layer, key, value in _objects(document, "regularizer"):
        name = object_class("regularizer", value)
        if (name != "L1L2" and name not in _table()["regularizer"]) or (
            key == "activityRegularizer" and not layer.wrapped
        ):
            yield Put(place_of(layer, key), None)


NAMES = (
    Repair(
        id="activation-name",
        title="an activation gets the name that TensorFlow.js registers",
        cures=("unknown-layer", "object-malformed"),
        formats=("layers",),
        versions="Keras >= 3.0 (silu), any Keras (a Keras function as an object)",
        find=_activations,
    ),
    Repair(
        id="initializer-name",
        title="an initializer gets the name that TensorFlow.js registers, or becomes Zeros",
        cures=("unknown-layer", "object-malformed", "unsupported-setting"),
        formats=("layers",),
        versions="Keras 3.0 to 3.6 (Orthogonal, Identity), any Keras (LeCun, classes of one's own)",
        find=_initializers,
        costs="of one that TensorFlow.js does not have: its starting values, which the weights replace",
    ),
    Repair(
        id="regularizer-name",
        title="L1 and L2 become L1L2, which TensorFlow.js registers",
        cures=("unknown-layer",),
        formats=("layers",),
        versions="any Keras",
        find=_regularizers,
    ),
    Repair(
        id="regularizer-unknown",
        title="a regularizer that TensorFlow.js cannot make or call is left out",
        cures=("unknown-layer", "object-malformed", "unsupported-setting"),
        formats=("layers",),
        versions="any Keras",
        find=_unknown_regularizers,
        costs="its part of the loss, where the model is trained on in TensorFlow.js",
    ),
)
