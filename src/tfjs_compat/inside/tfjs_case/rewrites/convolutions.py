"""Convolutions whose groups or padding TensorFlow.js does not have."""

import numpy as np

from .rewrite import Rewrite, activation_of, require_channels_last, shape_of

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")


def _config(layer, padding=None):
    """The settings of a convolution that its parts have too."""
    return {
        "kernel_size": layer.kernel_size,
        "strides": layer.strides,
        "padding": padding or layer.padding,
        "dilation_rate": layer.dilation_rate,
        "use_bias": layer.use_bias,
    }


def _grouped(kit, layer):
    """A group of channels for each convolution; one convolution of each channel by itself is a DepthwiseConv2D."""
    require_channels_last(layer)
    arrays = [np.asarray(array) for array in layer.get_weights()]
    kernel, bias = arrays[0], (arrays[1] if layer.use_bias else None)
    channels = kernel.shape[-2] * layer.groups
    pad, padding = _padded(kit, layer) if layer.padding == "causal" else (lambda x: x, layer.padding)
    if _is_depthwise(layer, channels, kit.format):
        # Filters of a channel stand together in both: (…, 1, c m) is (…, c, m).
        weights = [kernel.reshape(kernel.shape[:-2] + (channels, -1))] + ([bias] if layer.use_bias else [])
        config = dict(_config(layer), depth_multiplier=layer.filters // channels, activation=layer.activation)
        return kit.layer("DepthwiseConv2D", layer, "", weights, **config)
    width, filters = kernel.shape[-2], layer.filters // layer.groups
    parts = []
    for group in range(layer.groups):
        own = slice(group * filters, (group + 1) * filters)
        weights = [kernel[..., own]] + ([bias[own]] if layer.use_bias else [])
        config = dict(_config(layer, padding), filters=filters)
        parts.append(kit.layer(type(layer).__name__, layer, "group_%d" % group, weights, **config))
    is_linear = activation_of(layer) == "linear"
    together = kit.layer("Concatenate", layer, "" if is_linear else "groups", axis=-1)
    activation = None if is_linear else kit.layer("Activation", layer, "", activation=layer.activation)

    def call(x):
        x = pad(x)
        pieces = [
            part(kit.select(x, layer, group * width, (group + 1) * width, channels, "channels_%d" % group))
            for group, part in enumerate(parts)
        ]
        found = together(pieces)
        return found if activation is None else activation(found)

    return call


def _is_depthwise(layer, channels, format):
    """Whether it is one of TensorFlow.js too, which takes one stride, and in layers models no dilation."""
    is_plain = type(layer).__name__ == "Conv2D" and layer.groups == channels and len(set(layer.strides)) == 1
    dilated = any(rate != 1 for rate in layer.dilation_rate)
    return is_plain and (not dilated or (format == "graph" and set(layer.strides) == {1}))


def _causal(kit, layer):
    require_channels_last(layer)
    pad, padding = _padded(kit, layer)
    config = dict(_config(layer, padding), filters=layer.filters, activation=layer.activation)
    valid = kit.layer("Conv1D", layer, "", layer.get_weights(), **config)
    return lambda x: valid(pad(x))


def _padded(kit, layer):
    """What puts zeros before the first step, and the padding of the convolution behind it.

    TensorFlow.js has no ZeroPadding1D: steps become rows of a picture, and steps again.
    """
    zeros = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
    if kit.format == "graph":
        return kit.layer("ZeroPadding1D", layer, "padded", padding=(zeros, 0)), "valid"

    def pad(x):
        _, steps, channels = shape_of(x)
        rows = kit.layer("Reshape", layer, "rows", target_shape=(-1 if steps is None else steps, 1, channels))
        padded = kit.layer("ZeroPadding2D", layer, "padded", padding=((zeros, 0), (0, 0)))
        after = -1 if steps is None else steps + zeros
        return kit.layer("Reshape", layer, "steps", target_shape=(after, channels))(padded(rows(x)))

    return pad, "valid"


CONVOLUTIONS = (
    Rewrite(
        "grouped-convolution",
        "a convolution of groups becomes one of each group, side by side, or a DepthwiseConv2D",
        classes=_CONVOLUTIONS,
        formats=("layers", "graph"),
        fits=lambda layer, _: layer.groups > 1,
        make=_grouped,
    ),
    Rewrite(
        "causal-padding",
        "causal padding becomes zeros before the first step",
        classes=("Conv1D",),
        formats=("layers",),
        fits=lambda layer, _: layer.padding == "causal" and layer.groups == 1,
        make=_causal,
    ),
)
