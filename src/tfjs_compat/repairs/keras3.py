"""What Keras 3 writes otherwise than Keras 2, and TensorFlow.js reads as Keras 2 did: shapes and dtypes."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.layers import member
from tfjs_compat.repairs.edits import Document, Edit, Put, Rename
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import layers_of, place_of

# --------------------------------------------------------------------------------------------------------- shapes


def _batch_shape(document: Document) -> Iterator[Edit]:
    for layer in layers_of(document, "InputLayer"):
        given = layer.config.get("batchInputShape") is not None or layer.config.get("inputShape") is not None
        if not given and isinstance(layer.config.get("batchShape"), list):
            yield Rename(place_of(layer, "batchShape"), "batch_input_shape")


def _build_shape(document: Document) -> Iterator[Edit]:
    """A Sequential that got its shape from its first call says so itself; TensorFlow.js asks its first layer."""
    for model in layers_of(document, "Sequential"):
        shape = model.config.get("buildInputShape")
        if not isinstance(shape, list) or not model.children:
            continue
        first = model.children[0]
        given = any(first.config.get(key) is not None for key in ("batchInputShape", "inputShape", "inputDim"))
        if not given and not first.is_container and first.class_name != "InputLayer":
            key = first.raw.get("batchInputShape", "batch_input_shape")
            yield Put((*first.place, "config", key), shape)


# --------------------------------------------------------------------------------------------------------- dtypes

_DTYPES = ("float32", "int32", "bool", "string", "complex64")
"""What TensorFlow.js has. A policy of mixed precision stays what it is: the check says that the numbers differ."""


def _dtype_policies(document: Document) -> Iterator[Edit]:
    for layer in layers_of(document):
        policy = layer.config.get("dtype")
        if isinstance(policy, dict) and member(policy, "className")[1] in ("DTypePolicy", "FloatDTypePolicy"):
            config = policy.get("config")
            name = config.get("name") if isinstance(config, dict) else None
            if name in _DTYPES:
                yield Put(place_of(layer, "dtype"), name)


_ISSUES = "https://github.com/tensorflow/tfjs/issues/"

SHAPES = (
    Repair(
        id="batch-shape",
        title="batch_shape of an InputLayer is called batch_input_shape",
        cures=("keras3-batch-shape",),
        formats=("layers",),
        versions="Keras >= 3.0",
        find=_batch_shape,
        links=(f"{_ISSUES}8328", f"{_ISSUES}8358", f"{_ISSUES}8494", f"{_ISSUES}8544", f"{_ISSUES}8561"),
    ),
    Repair(
        id="build-input-shape",
        title="the first layer of a Sequential model gets the shape that the model was built with",
        cures=("sequential-without-shape",),
        formats=("layers",),
        versions="any Keras, of a Sequential model without an input that was built by its first call",
        find=_build_shape,
    ),
)

DTYPES = (
    Repair(
        id="dtype-policy",
        title="a dtype policy becomes the name of the weights' dtype",
        cures=("keras3-dtype-policy",),
        formats=("layers",),
        versions="Keras >= 3.0",
        find=_dtype_policies,
    ),
)
