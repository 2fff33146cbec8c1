"""Resizing of pictures whose size is known, as two matrix products: every method of it is linear in each axis."""

import numpy as np

from .rewrite import Refused, Rewrite, require_channels_last, shape_of

_LARGEST = 1 << 22
"""Elements of both matrices together, beyond which the artifact would be more of them than of the model."""


def _resizing(kit, layer):
    require_channels_last(layer)

    def call(x):
        sizes = shape_of(x)[1:]
        if len(sizes) != 3 or None in sizes:
            raise Refused("the size of its pictures is open")
        height, width = sizes[:2]
        if height * height * width + width * width * height > _LARGEST:
            raise Refused("its pictures are too large")
        rows = _matrix(layer, height, lambda lines: np.repeat(lines[:, :, None, None], width, axis=2), 1)
        columns = _matrix(layer, width, lambda lines: np.repeat(lines[:, None, :, None], height, axis=1), 2)
        as_float = x
        if "float" not in str(x.dtype):
            as_float = kit.layer("Rescaling", layer, "float", scale=1.0)(x)
        # (height, width, channels) → (width, channels, height) → (channels, height, width) → (height, width, channels)
        turned = kit.layer("Permute", layer, "rows_last", dims=(2, 3, 1))(as_float)
        resized = kit.constant("Dense", layer, "rows", [rows], units=rows.shape[1], use_bias=False)(turned)
        turned = kit.layer("Permute", layer, "columns_last", dims=(2, 3, 1))(resized)
        resized = kit.constant("Dense", layer, "columns", [columns], units=columns.shape[1], use_bias=False)(turned)
        return kit.layer("Permute", layer, "", dims=(2, 3, 1))(resized)

    return call


def _matrix(layer, size, picture_of, axis):
    """What each line of an axis gives to each line of the result, by what the layer makes of that line alone."""
    lines = np.eye(size, dtype="float32")
    made = np.asarray(layer(picture_of(lines)), dtype="float32")
    return made.take(made.shape[3 - axis] // 2, axis=3 - axis)[..., 0]


def _resizes(layer, format):
    """A graph has the two operations that TensorFlow.js has too; a Resizing of a layers model gets a wrong shape."""
    return format == "layers" or layer.interpolation not in ("nearest", "bilinear")


def _smoothes(layer, format):
    return layer.interpolation != "nearest" if format == "layers" else _resizes(layer, format)


RESIZING = (
    Rewrite(
        "resizing",
        "a Resizing of pictures of one size becomes products with two matrices",
        classes=("Resizing",),
        formats=("layers", "graph"),
        fits=_resizes,
        make=_resizing,
    ),
    Rewrite(
        "up-sampling",
        "an UpSampling2D that interpolates becomes the same",
        classes=("UpSampling2D",),
        formats=("layers", "graph"),
        fits=_smoothes,
        make=_resizing,
    ),
)
