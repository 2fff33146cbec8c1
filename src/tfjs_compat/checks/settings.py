"""Settings of layers that TensorFlow.js refuses (errors) or passes over (warnings, as the numbers may still agree).

Each entry names what the constructor, ``build`` or ``call`` in tfjs-layers 4.17 to 4.22 does with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfjs_compat.artifact.layers import Layer, camel_case, label
from tfjs_compat.artifact.object_names import OBJECT_KEYS, object_class
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.check import Check, CheckInput, setting_finding
from tfjs_compat.outcomes.failures import Finding

_CONVOLUTIONS = frozenset(
    {"Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "Conv3DTranspose"}
)
_GLOBAL_POOLING = frozenset(
    {"GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"}
)
_FED = frozenset({"float32", "int32", "bool", "complex64", "string"})
_GATED = frozenset({"GRU", "GRUCell"})
_RECURRENT = frozenset({"RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM2D"})


def check_settings(given: CheckInput) -> Iterator[Finding]:
    """What TensorFlow.js refuses or ignores in the config of the layers that it registers."""
    for layer in given.layers():
        if layer.class_name in given.vocabulary.classes:
            for rule in _RULES:
                yield from rule(layer)
            yield from _activity(layer, given.vocabulary)


def _refused(layer: Layer, key: str, reason: str) -> Finding:
    return setting_finding("unsupported-setting", layer, key, reason)


def _ignored(layer: Layer, key: str, reason: str) -> Finding:
    return setting_finding("ignored-setting", layer, key, reason, "warning")


def _unpacked_number(value: object) -> float | None:
    """A number, also as ``{"type": "ndarray", "value": x}``, which TensorFlow.js unpacks."""
    if isinstance(value, dict) and value.get("type") == "ndarray":
        value = value.get("value")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _sizes(value: object, rank: int) -> list[int] | None:
    """A size for each axis of a convolution, given one or one for each."""
    values = [value] * rank if isinstance(value, int) else value
    if isinstance(values, list) and len(values) == rank and all(isinstance(size, int) for size in values):
        return values
    return None


def _input(layer: Layer) -> Iterator[Finding]:
    """``feedDict.js``: what is fed is cast to the input's type, which has to be one of TensorFlow.js."""
    dtype = layer.config.get("dtype")
    if layer.class_name == "InputLayer" and isinstance(dtype, str) and dtype not in _FED:
        yield _refused(layer, "dtype", f"TensorFlow.js has no {dtype}, so that nothing can be fed")


def _separable(layer: Layer) -> Iterator[Finding]:
    if layer.class_name != "SeparableConv2D":
        return
    for key in ("kernelInitializer", "kernelRegularizer", "kernelConstraint"):
        if layer.config.get(key) is not None:
            reason = "Fields kernelInitializer, kernelRegularizer and kernelConstraint are invalid for SeparableConv2D"
            yield setting_finding("separable-kernel-fields", layer, key, reason)


def _gru(layer: Layer) -> Iterator[Finding]:
    if layer.class_name in _GATED and layer.is_set("resetAfter"):
        reason = "GRUCell does not support reset_after set to true"
        yield setting_finding("gru-reset-after", layer, "resetAfter", reason)


def _convolution(layer: Layer) -> Iterator[Finding]:
    if layer.class_name not in _CONVOLUTIONS:
        return
    if layer.config.get("padding") == "causal":
        yield _refused(layer, "padding", "causal padding is not implemented")
    groups = _unpacked_number(layer.config.get("groups"))
    if groups is not None and groups > 1 and layer.class_name in ("Conv1D", "Conv2D", "Conv3D"):
        yield _refused(layer, "groups", "the groups are not read, so that the kernel gets another shape")
    if layer.class_name in ("DepthwiseConv2D", "Conv2DTranspose", "Conv3DTranspose"):
        dilation = _sizes(layer.config.get("dilationRate"), 3 if "3D" in layer.class_name else 2)
        if dilation and any(rate != 1 for rate in dilation):
            yield _ignored(layer, "dilationRate", "it is passed over, so that the output is another one")
    if layer.class_name in ("Conv2DTranspose", "Conv3DTranspose"):
        yield from _output_padding(layer)


def _output_padding(layer: Layer) -> Iterator[Finding]:
    """TensorFlow.js computes the output size from kernel, stride and padding (``deconvLength``) alone."""
    rank = 2 if layer.class_name == "Conv2DTranspose" else 3
    given = _sizes(layer.config.get("outputPadding"), rank)
    kernels, strides = _sizes(layer.config.get("kernelSize"), rank), _sizes(layer.config.get("strides"), rank)
    if given is None or kernels is None or strides is None:
        return
    for extra, kernel, stride in zip(given, kernels, strides, strict=True):
        if layer.config.get("padding") == "same":
            agrees = extra == stride - kernel + 2 * (kernel // 2)
        else:
            agrees = kernel - stride + extra == max(kernel - stride, 0)
        if not agrees:
            yield _ignored(layer, "outputPadding", "it is passed over, so that the output has another shape")
            return


def _activations(layer: Layer) -> Iterator[Finding]:
    config = layer.config
    if layer.class_name == "ELU":
        alpha = _unpacked_number(config.get("alpha"))
        if alpha is not None and alpha != 1:
            yield _refused(layer, "alpha", "only the default alpha 1 is supported")
    if layer.class_name == "ReLU":
        for key in ("negativeSlope", "threshold"):
            if _unpacked_number(config.get(key)):
                yield _ignored(layer, key, "ReLU reads `max_value` only")
    if layer.class_name == "LeakyReLU" and config.get("alpha") is None:
        slope = _unpacked_number(config.get("negativeSlope"))
        if slope is not None and slope != 0.3:
            yield _ignored(layer, "negativeSlope", "LeakyReLU reads `alpha`, and takes 0.3 without it")
    if layer.class_name == "Softmax" and isinstance(config.get("axis"), int) and config["axis"] >= 0:
        reason = "Softmax along a non-last dimension is not supported; this is one unless the input has no further axis"
        finding = _refused(layer, "axis", reason)
        yield Finding(finding.id, finding.path, finding.message, "warning")


def _shapes(layer: Layer) -> Iterator[Finding]:
    interpolation = layer.config.get("interpolation")
    if layer.class_name in ("UpSampling2D", "Resizing") and isinstance(interpolation, str):
        if camel_case(interpolation) not in ("nearest", "bilinear"):
            yield _refused(layer, "interpolation", "nearest and bilinear are implemented")
        elif layer.class_name == "UpSampling2D" and interpolation == "bilinear":
            yield _ignored(layer, "interpolation", "TensorFlow.js aligns pixels otherwise, so that values differ")
    if layer.class_name == "Resizing":
        reason = "its output shape is computed as if there were no batch: layers behind it are built wrongly"
        yield _ignored(layer, "height", reason)
    if layer.class_name in _GLOBAL_POOLING and layer.is_set("keepdims"):
        yield _ignored(layer, "keepdims", "it is passed over: the output loses its pooled axes")
    target = layer.config.get("targetShape")
    if layer.class_name == "Reshape" and isinstance(target, list) and -1 in target:
        reason = "a size of -1 stays unknown as long as the batch is: layers behind it that need it cannot be built"
        yield _ignored(layer, "targetShape", reason)
    if layer.class_name == "CategoryEncoding":
        reason = "computing its output shape overwrites the shape of its input: an input of another width is refused"
        yield _ignored(layer, "numTokens", reason)


def _recurrent(layer: Layer) -> Iterator[Finding]:
    if layer.class_name in _RECURRENT and layer.is_set("timeMajor"):
        yield _ignored(layer, "timeMajor", "it is passed over: the first axis is taken for the batch")
    if layer.class_name == "ConvLSTM2D" and layer.is_set("unroll"):
        yield _refused(layer, "unroll", "Unrolling is not possible with convolutional RNNs")
    if layer.class_name == "Bidirectional":
        if layer.children and layer.children[0].class_name == "RNN":
            reason = "copying an RNN with a cell of its own fails (Improper config format)"
            yield _refused(layer, "layer", reason)
        if layer.config.get("numConstants") is not None:
            yield _refused(layer, "numConstants", "constants of a Bidirectional layer are not supported")
        if layer.config.get("backwardLayer") is not None:
            reason = "the backward layer is made from a copy of `layer`, not from this"
            finding = _ignored(layer, "backwardLayer", reason)
            yield Finding(finding.id, finding.path, f"{label(layer)} with a backward_layer: {reason}", "warning")


def _constraints(layer: Layer) -> Iterator[Finding]:
    """``LayerVariable.write`` applies a constraint to whatever is written, loaded weights too; Keras does not."""
    for key in OBJECT_KEYS.get(layer.class_name, ()):
        if key.endswith("Constraint") and layer.config.get(key) is not None:
            name = object_class("constraint", layer.config[key])
            reason = f"{name or 'the constraint'} is applied to the loaded weights and may change them"
            yield _ignored(layer, key, reason)


def _activity(layer: Layer, vocabulary: Vocabulary) -> Iterator[Finding]:
    """A layer that is called with an activity regularizer throws; one that a wrapper calls does not."""
    key = "activityRegularizer"
    if layer.wrapped or key not in OBJECT_KEYS.get(layer.class_name, ()) or layer.config.get(key) is None:
        return
    if object_class("regularizer", layer.config[key]) in vocabulary.classes:
        yield _refused(layer, key, "calling a layer in the presence of activity regularizers is not supported")


_RULES: tuple[Callable[[Layer], Iterator[Finding]], ...] = (
    _input,
    _separable,
    _gru,
    _convolution,
    _activations,
    _shapes,
    _recurrent,
    _constraints,
)

SETTINGS = Check(
    findings={
        "separable-kernel-fields": "SeparableConv2D has kernel fields, which TensorFlow.js refuses",
        "gru-reset-after": "a GRU has reset_after, which TensorFlow.js refuses",
        "unsupported-setting": "a setting of a layer that TensorFlow.js refuses",
        "ignored-setting": "a setting of a layer that TensorFlow.js passes over or treats otherwise",
    },
    formats=("layers",),
    run=check_settings,
)
