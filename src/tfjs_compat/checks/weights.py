"""Which weights TensorFlow.js will look for, and whether the artifact has them in the right shape.

Names: a variable is called after the scopes it is made in (tfjs-layers ``common.ts``): the layer's name, or inside a
wrapper the wrapper's, with ``forward_``/``backward_`` and the layer's name for Bidirectional and ``RNNCell_0`` … for
stacked cells. Models inside models add nothing, for their layers are built before they are called.
Matching: ``Container.loadWeights``: by name; else by the name without its last but one part (``lstm/lstm_cell/kernel``
is ``lstm/kernel``); else it throws. Then every variable must have been met, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import msgspec
import numpy as np

from tfjs_compat.artifact import Artifact, Weight
from tfjs_compat.checks.layers import Layer, label
from tfjs_compat.checks.wiring import is_tensor_name, reachable
from tfjs_compat.jsonpath import show
from tfjs_compat.outcomes import Finding
from tfjs_compat.vocabulary import Vocabulary

Shape: TypeAlias = tuple[int | None, ...]

_NONE = frozenset(
    {
        "Activation", "Add", "AlphaDropout", "Average", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
        "CategoryEncoding", "CenterCrop", "Concatenate", "Cropping2D", "Dot", "Dropout", "ELU", "Flatten",
        "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
        "GlobalMaxPooling2D", "InputLayer", "LeakyReLU", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
        "Maximum", "Minimum", "Multiply", "Permute", "RandomWidth", "ReLU", "RepeatVector", "Rescaling", "Reshape",
        "Resizing", "Softmax", "SpatialDropout1D", "ThresholdedReLU", "UpSampling2D", "ZeroPadding2D",
    }
)  # fmt: skip
"""Layers without weights."""


class Wanted(msgspec.Struct, frozen=True):
    """A variable that TensorFlow.js makes and wants to fill. ``shape`` has None where it depends on the input.

    ``aliases`` are what Keras calls it, without the names of the models around its layer.
    """

    name: str
    shape: Shape | None
    layer: Layer
    dtype: str | None = "float32"
    aliases: tuple[str, ...] = ()


class Wants(msgspec.Struct, frozen=True):
    """The variables of a model. ``unknown`` are parts of names under which more of them may be; "" is any name."""

    known: tuple[Wanted, ...]
    unknown: frozenset[str]


def wanted(root: Layer, vocabulary: Vocabulary) -> Wants:
    """What TensorFlow.js will look for when it loads the weights of a model."""
    known: list[Wanted] = []
    unknown: set[str] = set()
    _collect(root, (root.name,), ((root.name,),), vocabulary, known, unknown)
    return Wants(tuple(known), frozenset(unknown))


def check_weights(artifact: Artifact, root: Layer, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Weights that are missing, that nobody wants, of another shape or dtype than the topology says."""
    wants = wanted(root, vocabulary)
    for want in wants.known:
        if want.layer.wrapped and not is_tensor_name(want.name) and is_tensor_name(want.name.split("/")[0]):
            yield Finding("layer-name-invalid", want.layer.at("name"), f"Not a valid tensor name: {show(want.name)}")
    # The last of several weights of one name is the one that counts.
    given = {weight.name: weight for weight in artifact.weights if not weight.optimizer}
    if not artifact.complete or (given and is_numbered(next(iter(given)))):
        return
    open_wants: dict[str, Wanted] = {}
    for want in wants.known:
        if want.name in open_wants:
            message = f"{label(open_wants[want.name].layer)} and {label(want.layer)} both want {show(want.name)}"
            yield Finding("weights-ambiguous", f"{want.layer.path}.config.name", message)
        open_wants[want.name] = want
    prefixed: set[str] = set()
    for name, weight in given.items():
        want_name = name if name in open_wants else shortened(name)
        if want_name in open_wants:
            yield from _check_fit(weight, open_wants.pop(want_name))
        else:
            yield from _unwanted(weight, wants, prefixed)
    for name, want in open_wants.items():
        if name not in prefixed:
            message = f"{label(want.layer)} wants a weight {show(name)}, which the artifact does not have"
            yield Finding("weights-missing", want.layer.path, message)


def check_finite(artifact: Artifact) -> Iterator[Finding]:
    """Weights that hold NaN or an infinity. Reads the bytes of every weight."""
    for weight in artifact.weights:
        if weight.stored == "float32":
            kind = "<f4"
        elif weight.stored == "float16":
            kind = "<f2"
        else:
            continue
        data = artifact.data(weight)
        if data is None:
            continue
        bad = int(np.count_nonzero(~np.isfinite(np.frombuffer(data, dtype=kind))))
        if bad:
            message = f"{show(weight.name)} holds NaN or infinity in {bad} of {weight.size} values"
            yield Finding("weights-not-finite", weight.path, message, "warning")


# ------------------------------------------------------------------------------------------------- what is wanted


_Scope: TypeAlias = tuple[str, ...]


def _collect(
    layer: Layer,
    scope: _Scope,
    aliases: tuple[_Scope, ...],
    vocabulary: Vocabulary,
    known: list[Wanted],
    unknown: set[str],
) -> None:
    """Adds the variables of a layer that is built in a scope, which Keras calls by one of the aliases."""
    if layer.class_name not in vocabulary.classes:
        unknown.update({*scope, "" if "layers" in layer.config else layer.name})
    elif layer.is_container:
        for child in reachable(layer):
            _collect(child, (child.name,), ((child.name,),), vocabulary, known, unknown)
    elif layer.class_name == "TimeDistributed" and layer.children:
        inner = layer.children[0]
        _collect(inner, scope, (*_within(aliases, inner.name), *aliases), vocabulary, known, unknown)
    elif layer.class_name == "Bidirectional" and layer.children:
        inner = layer.children[0]
        for side, names in _sides(layer, inner).items():
            _collect(inner, (*scope, f"{side}_{inner.name}"), _within(aliases, *names), vocabulary, known, unknown)
    elif layer.class_name == "RNN" and layer.children:
        cell = layer.children[0]
        _collect(cell, scope, _within(aliases, cell.name), vocabulary, known, unknown)
    elif layer.class_name == "StackedRNNCells":
        for index, cell in enumerate(layer.children):
            _collect(cell, (*scope, f"RNNCell_{index}"), _within(aliases, cell.name), vocabulary, known, unknown)
    else:
        shapes = _variables(layer)
        # A model or layer without a name gets one that counts up with every layer ever made.
        if shapes is None or "" in scope:
            unknown.update({*scope, layer.name})
            return
        dtype = layer.config.get("dtype") if layer.class_name == "Embedding" else None
        for name, shape in shapes.items():
            called = "kernel" if name == "depthwise_kernel" and layer.class_name == "DepthwiseConv2D" else name
            also = tuple("/".join((*alias, called)) for alias in aliases)
            known.append(Wanted("/".join((*scope, name)), shape, layer, None if dtype else "float32", also))


def _within(aliases: tuple[_Scope, ...], *names: str) -> tuple[_Scope, ...]:
    return tuple((*alias, name) for alias in aliases for name in names)


def _sides(layer: Layer, inner: Layer) -> dict[str, tuple[str, ...]]:
    """What Keras calls the two layers of a Bidirectional: Keras 2 after ``layer``, Keras 3 as the config says."""
    backward = layer.config.get("backwardLayer")
    config = backward.get("config") if isinstance(backward, dict) else None
    given = config.get("name") if isinstance(config, dict) else None
    own = given if isinstance(given, str) else f"backward_{inner.name.removeprefix('forward_')}"
    return {"forward": (inner.name, f"forward_{inner.name}"), "backward": (own, f"backward_{inner.name}")}


def _variables(layer: Layer) -> dict[str, Shape | None] | None:
    """Names and shapes of a layer's own variables, in the order of tfjs-layers; None if the class is not known here."""
    if layer.class_name in _NONE:
        return {}
    convolution = re.fullmatch(r"Conv([123])D(Transpose)?", layer.class_name)
    if layer.class_name == "Dense":
        units = _size(layer, "units")
        return _with_bias(layer, {"kernel": (None, units)}, (units,))
    if convolution:
        rank, filters = int(convolution[1]), _size(layer, "filters")
        ends = (filters, None) if convolution[2] else (None, filters)
        return _with_bias(layer, {"kernel": (*_kernel(layer, rank), *ends)}, (filters,))
    if layer.class_name == "DepthwiseConv2D":
        shape = (*_kernel(layer, 2), None, _size(layer, "depthMultiplier", 1))
        return _with_bias(layer, {"depthwise_kernel": shape}, (None,))
    if layer.class_name == "SeparableConv2D":
        depthwise = (*_kernel(layer, 2), None, _size(layer, "depthMultiplier", 1))
        filters = _size(layer, "filters")
        shapes: dict[str, Shape | None] = {"depthwise_kernel": depthwise, "pointwise_kernel": (1, 1, None, filters)}
        return _with_bias(layer, shapes, (filters,))
    if layer.class_name == "Embedding":
        return {"embeddings": (_size(layer, "inputDim"), _size(layer, "outputDim"))}
    if layer.class_name == "PReLU":
        return {"alpha": None}
    if layer.class_name in ("BatchNormalization", "LayerNormalization"):
        one: Shape | None = (None,) if layer.class_name == "BatchNormalization" else None
        shapes = {name: one for name, key in (("gamma", "scale"), ("beta", "center")) if _default_true(layer, key)}
        if layer.class_name == "BatchNormalization":
            shapes |= {"moving_mean": one, "moving_variance": one}
        return shapes
    gates = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}.get(layer.class_name.removesuffix("Cell"))
    if gates is not None:
        units = _size(layer, "units")
        wide = None if units is None else units * gates
        return _with_bias(layer, {"kernel": (None, wide), "recurrent_kernel": (units, wide)}, (wide,))
    if layer.class_name in ("ConvLSTM2D", "ConvLSTM2DCell"):
        filters = _size(layer, "filters")
        wide = None if filters is None else filters * 4
        kernel = _kernel(layer, 2)
        shapes = {"kernel": (*kernel, None, wide), "recurrent_kernel": (*kernel, filters, wide)}
        return _with_bias(layer, shapes, (wide,))
    return None


def _with_bias(layer: Layer, shapes: dict[str, Shape | None], bias: Shape) -> dict[str, Shape | None]:
    return {**shapes, "bias": bias} if _default_true(layer, "useBias") else shapes


def _default_true(layer: Layer, key: str) -> bool:
    value = layer.config.get(key)
    return True if value is None else bool(value)


def _size(layer: Layer, key: str, default: int | None = None) -> int | None:
    value = layer.config.get(key)
    if value is None:
        return default
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _kernel(layer: Layer, rank: int) -> Shape:
    value = layer.config.get("kernelSize")
    sizes = value if isinstance(value, list) else [value] * rank
    if len(sizes) != rank:
        return (None,) * rank
    return tuple(size if isinstance(size, int) and not isinstance(size, bool) else None for size in sizes)


# ---------------------------------------------------------------------------------------------------- what is given


def is_numbered(name: str) -> bool:
    """Whether TensorFlow.js takes the names for those of a Keras v3 file (``dense/vars/0``), which it numbers."""
    return re.match(r"\s*[+-]?\d", name.split("/")[-1]) is not None


def shortened(name: str) -> str:
    """The name without its last but one part, which TensorFlow.js tries if nothing has the whole name."""
    parts = name.split("/")
    return "/".join([*parts[:-2], parts[-1]])


def _unwanted(weight: Weight, wants: Wants, prefixed: set[str]) -> Iterator[Finding]:
    parts = weight.name.split("/")
    names = {want.name for want in wants.known}
    for start in range(1, len(parts)):
        rest = "/".join(parts[start:])
        match = rest if rest in names else shortened(rest)
        if match in names and "/" in match:
            prefixed.add(match)
            prefix = "/".join(parts[:start])
            message = f"{show(weight.name)} is {show(match)} with {show(prefix)} in front: no target variable"
            yield Finding("keras3-weight-prefix", f"{weight.path}.name", message)
            return
    if "" in wants.unknown or not wants.unknown.isdisjoint(parts):
        return
    message = f"Provided weight data has no target variable: {show(weight.name)}"
    yield Finding("weights-unwanted", f"{weight.path}.name", message)


def _check_fit(weight: Weight, want: Wanted) -> Iterator[Finding]:
    shape = want.shape
    if shape is not None and (
        len(shape) != len(weight.shape)
        or any(size is not None and size != got for size, got in zip(shape, weight.shape, strict=True))
    ):
        expected = ", ".join("?" if size is None else str(size) for size in shape)
        message = f"{show(weight.name)} has shape {show(list(weight.shape))}, {label(want.layer)} makes [{expected}]"
        yield Finding("weights-shape", f"{weight.path}.shape", message)
    if want.dtype is not None and weight.dtype != want.dtype:
        message = f"{show(weight.name)} is {weight.dtype}, {label(want.layer)} holds {want.dtype}"
        yield Finding("weights-dtype", f"{weight.path}.dtype", message)
