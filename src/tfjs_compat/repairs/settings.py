"""Settings that TensorFlow.js refuses or reads under another name, and layers that with them are another layer."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.repairs.edits import Document, Drop, Edit, Put, Rename
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import class_place, is_operation, layers_of, place_of

_SEPARABLE = ("kernelInitializer", "kernelRegularizer", "kernelConstraint")

_IDLE = frozenset(
    {
        "ActivityRegularization", "AugMix", "CutMix", "Identity", "MixUp", "RandAugment", "RandomBrightness",
        "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing",
        "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
        "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
        "RandomTranslation", "RandomZoom", "SpatialDropout2D", "SpatialDropout3D",
    }
)  # fmt: skip
"""Layers of Keras that give back their input when they predict, and that TensorFlow.js does not have."""


def _plain_number(value: object) -> float | None:
    """A number as it stands; one that Keras wrote as an ndarray object is left to the check."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _separable(document: Document) -> Iterator[Edit]:
    """Keras 2 writes these without ever reading them: the layer has a depthwise and a pointwise kernel."""
    for layer in layers_of(document, "SeparableConv2D"):
        for key in _SEPARABLE:
            if layer.config.get(key) is not None:
                yield Drop(place_of(layer, key))


def _leaky(document: Document) -> Iterator[Edit]:
    for layer in layers_of(document, "LeakyReLU"):
        slope = _plain_number(layer.config.get("negativeSlope"))
        if layer.config.get("alpha") is None and slope is not None and slope != 0.3:
            yield Rename(place_of(layer, "negativeSlope"), "alpha")


def _relu(document: Document) -> Iterator[Edit]:
    """ReLU of TensorFlow.js reads ``max_value`` alone; with another setting it is the function of another layer."""
    for layer in layers_of(document, "ReLU"):
        slope, threshold = (_plain_number(layer.config.get(key)) or 0.0 for key in ("negativeSlope", "threshold"))
        if layer.config.get("maxValue") is not None or (slope == 0) == (threshold == 0):
            continue
        if slope and layer.config.get("alpha") is None:
            yield Put(class_place(layer), "LeakyReLU")
            yield Rename(place_of(layer, "negativeSlope"), "alpha")
        elif threshold and layer.config.get("theta") is None:
            yield Put(class_place(layer), "ThresholdedReLU")
            yield Rename(place_of(layer, "threshold"), "theta")


def _idle(document: Document) -> Iterator[Edit]:
    for layer in layers_of(document):
        if layer.class_name in _IDLE and not is_operation(layer):
            yield Put(class_place(layer), "Activation")
            yield Put((*layer.place, "config", layer.raw.get("activation", "activation")), "linear")


_DTYPES = {"int64": "int32", "int16": "int32", "int8": "int32", "uint64": "int32", "uint32": "int32", "uint16": "int32"}
_DTYPES |= {"uint8": "int32", "float64": "float32", "float16": "float32", "bfloat16": "float32"}


def _inputs(document: Document) -> Iterator[Edit]:
    """What is fed to TensorFlow.js is of the nearest type that it has."""
    for layer in layers_of(document, "InputLayer"):
        found = _DTYPES.get(str(layer.config.get("dtype")))
        if found is not None:
            yield Put(place_of(layer, "dtype"), found)


SETTINGS = (
    Repair(
        id="input-dtype",
        title="an input of numbers that TensorFlow.js does not have is one of int32 or float32",
        cures=("unsupported-setting",),
        formats=("layers",),
        versions="any Keras",
        find=_inputs,
    ),
    Repair(
        id="separable-kernel-fields",
        title="fields of a SeparableConv2D that Keras never reads are left out",
        cures=("separable-kernel-fields",),
        formats=("layers",),
        versions="Keras 2",
        find=_separable,
        links=("https://github.com/tensorflow/tfjs/issues/1739", "https://github.com/tensorflow/tfjs/issues/4839"),
    ),
    Repair(
        id="leaky-relu-slope",
        title="the slope of a LeakyReLU is called alpha",
        cures=("ignored-setting",),
        formats=("layers",),
        versions="Keras >= 3.0",
        find=_leaky,
    ),
    Repair(
        id="relu-settings",
        title="a ReLU with a slope or a threshold is a LeakyReLU or a ThresholdedReLU",
        cures=("ignored-setting",),
        formats=("layers",),
        versions="any Keras",
        find=_relu,
    ),
    Repair(
        id="idle-layer",
        title="a layer that gives back its input when it predicts becomes a linear Activation",
        cures=("unknown-layer",),
        formats=("layers",),
        versions="any Keras",
        find=_idle,
        costs="what the layer does in training: augmentation, a dropout, a penalty",
    ),
)
