"""Normalization by fixed statistics, which TensorFlow.js has under another name: BatchNormalization."""

import numpy as np

from .rewrite import Refused, Rewrite, always, shape_of

_MOST_AXES = 4
"""BatchNormalization of TensorFlow.js takes tensors of two to four axes."""


def _normalization(kit, layer):
    if layer.mean is None:
        raise Refused("it has no statistics yet: adapt it first")
    mean = np.asarray(layer.mean, dtype="float32")
    # As Keras divides: by the deviation, and by no less than epsilon.
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance, dtype="float32")), kit.keras.backend.epsilon())
    inverted = bool(getattr(layer, "invert", False))
    if mean.size == 1:
        middle, width = float(mean.ravel()[0]), float(deviation.ravel()[0])
        steps = ((width, middle),) if inverted else ((1.0, -middle), (1.0 / width, 0.0))
        parts = [
            kit.layer("Rescaling", layer, "" if number == len(steps) - 1 else "centred", scale=scale, offset=offset)
            for number, (scale, offset) in enumerate(steps)
        ]
        return lambda x: _chained(parts, x)

    def call(x):
        sizes = shape_of(x)[1:]
        as_float = x
        if "float" not in str(x.dtype):
            as_float = kit.layer("Rescaling", layer, "float", scale=1.0)(x)
        of_channels = mean.size == mean.shape[-1] and mean.size == sizes[-1] and len(sizes) < _MOST_AXES
        if of_channels:
            return _scaled(kit, layer, "", mean.ravel(), deviation.ravel(), inverted)(as_float)
        if None in sizes:
            raise Refused("it normalises along an axis of open size, or a tensor of more than four axes")
        whole = [np.broadcast_to(each.reshape(each.shape[-len(sizes) :]), sizes).ravel() for each in (mean, deviation)]
        flat = kit.layer("Reshape", layer, "flat", target_shape=(int(np.prod(sizes)),))(as_float)
        normal = _scaled(kit, layer, "normal", *whole, inverted)(flat)
        return kit.layer("Reshape", layer, "", target_shape=tuple(sizes))(normal)

    return call


def _scaled(kit, layer, part, mean, deviation, inverted):
    zeros, ones = np.zeros_like(mean), np.ones_like(mean)
    weights = [deviation, mean, zeros, ones] if inverted else [mean, np.square(deviation)]
    return kit.constant("BatchNormalization", layer, part, weights, epsilon=0.0, scale=inverted, center=inverted)


def _chained(parts, x):
    for part in parts:
        x = part(x)
    return x


NORMALIZATION = (
    Rewrite(
        "normalization",
        "a Normalization becomes a BatchNormalization of its statistics, or a Rescaling",
        classes=("Normalization",),
        formats=("layers",),
        fits=always,
        make=_normalization,
    ),
)
