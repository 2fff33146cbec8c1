"""Convolutions along one axis that TensorFlow.js has for pictures only: steps become rows of one pixel."""

import numpy as np

from .rewrite import Refused, Rewrite, require_channels_last, shape_of


def _as_pictures(kit, layer):
    require_channels_last(layer)
    kind = type(layer).__name__
    rate = layer.dilation_rate[0]
    arrays = [np.asarray(array) for array in layer.get_weights()]
    # The kernel gets a second axis of one, behind the first.
    kernels = [array[:, None] if array.ndim == 3 else array for array in arrays]
    # Those that are not transposed take one stride for both axes.
    strides = (layer.strides[0], 1 if kind == "Conv1DTranspose" else layer.strides[0])
    config = {"strides": strides, "use_bias": layer.use_bias, "activation": layer.activation}
    if kind != "Conv1DTranspose":
        config["depth_multiplier"] = layer.depth_multiplier
    if kind != "DepthwiseConv1D":
        config["filters"] = layer.filters
    if rate != 1 and kind == "Conv1DTranspose":
        raise Refused("it is dilated")
    # TensorFlow.js reads no dilation of these: it goes into the kernel, as zeros.
    kernels[0] = spread(kernels[0], (rate, 1))
    config["kernel_size"] = (kernels[0].shape[0], 1)
    padding, zeros = layer.padding, 0
    if padding == "causal":
        padding, zeros = "valid", rate * (layer.kernel_size[0] - 1)
    name = {"Conv1DTranspose": "Conv2DTranspose"}.get(kind, kind.replace("1D", "2D"))
    made = kit.layer(name, layer, "picture", kernels, padding=padding, **config)

    def call(x):
        _, steps, channels = shape_of(x)
        rows = kit.layer("Reshape", layer, "rows", target_shape=(-1 if steps is None else steps, 1, channels))(x)
        if zeros:
            rows = kit.layer("ZeroPadding2D", layer, "padded", padding=((zeros, 0), (0, 0)))(rows)
        found = made(rows)
        _, height, _, filters = shape_of(found)
        return kit.layer("Reshape", layer, "", target_shape=(-1 if height is None else height, filters))(found)

    return call


def spread(kernel, rates):
    """A kernel with zeros between its elements: what a dilated convolution multiplies by."""
    sizes = [rate * (size - 1) + 1 for size, rate in zip(kernel.shape, rates)]
    wide = np.zeros((*sizes, *kernel.shape[len(rates) :]), kernel.dtype)
    wide[tuple(slice(None, None, rate) for rate in rates)] = kernel
    return wide


def _dilated(kit, layer):
    require_channels_last(layer)
    arrays = [np.asarray(array) for array in layer.get_weights()]
    kernel = spread(arrays[0], layer.dilation_rate)
    return kit.layer(
        "DepthwiseConv2D",
        layer,
        "",
        [kernel, *arrays[1:]],
        kernel_size=kernel.shape[:2],
        strides=layer.strides,
        padding=layer.padding,
        depth_multiplier=layer.depth_multiplier,
        use_bias=layer.use_bias,
        activation=layer.activation,
    )


ONE_DIMENSION = (
    Rewrite(
        "convolution-of-steps",
        "SeparableConv1D, DepthwiseConv1D and Conv1DTranspose become those of pictures one pixel wide",
        classes=("SeparableConv1D", "DepthwiseConv1D", "Conv1DTranspose"),
        formats=("layers",),
        fits=lambda layer, _: layer.strides is not None,
        make=_as_pictures,
    ),
    Rewrite(
        "dilated-depthwise",
        "the dilation of a DepthwiseConv2D goes into its kernel, as zeros",
        classes=("DepthwiseConv2D",),
        formats=("layers",),
        fits=lambda layer, _: any(rate != 1 for rate in layer.dilation_rate),
        make=_dilated,
    ),
)
