"""The variables that TensorFlow.js makes for a model: their names, shapes and dtypes.

A variable is called after the scopes that it is made in (tfjs-layers ``common.ts``): the layer's name, or inside a
wrapper the wrapper's, with ``forward_``/``backward_`` and the layer's name for Bidirectional and ``RNNCell_0`` … for
stacked cells. Models inside models add nothing, for their layers are built before they are called.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from tfjs_compat.artifact.layers import Layer
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.artifact.wiring import reachable_layers

Shape: TypeAlias = tuple[int | None, ...]

_WITHOUT_VARIABLES = frozenset(
    {
        "Activation", "Add", "AlphaDropout", "Average", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
        "CategoryEncoding", "CenterCrop", "Concatenate", "Cropping2D", "Dot", "Dropout", "ELU", "Flatten",
        "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
        "GlobalMaxPooling2D", "InputLayer", "LeakyReLU", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
        "Maximum", "Minimum", "Multiply", "Permute", "RandomWidth", "ReLU", "RepeatVector", "Rescaling", "Reshape",
        "Resizing", "Softmax", "SpatialDropout1D", "ThresholdedReLU", "UpSampling2D", "ZeroPadding2D",
    }
)  # fmt: skip
"""Layers that make no variable."""

_MOST_ALIASES = 64
"""Each wrapper in a wrapper doubles the names of what it holds: no model has six."""


class Variable(msgspec.Struct, frozen=True):
    """A variable that TensorFlow.js makes, and fills with the weight of its name.

    ``shape`` has None for a size that depends on the input, and is None where even the rank does. ``dtype`` is None
    where the layer's config decides it. ``aliases`` are the names that Keras gives it, without those of the models
    around its layer.
    """

    name: str
    shape: Shape | None
    layer: Layer
    dtype: str | None = "float32"
    aliases: tuple[str, ...] = ()


class ModelVariables(msgspec.Struct, frozen=True):
    """The variables of a model.

    ``unknown`` are parts of names (layers, scopes) under which there may be more of them, of layers whose variables are
    not known here; "" stands for any name.
    """

    known: tuple[Variable, ...]
    unknown: frozenset[str]


def variables_of(root: Layer, vocabulary: Vocabulary) -> ModelVariables:
    """What TensorFlow.js looks for when it loads the weights of a model, in the order of its layers."""
    known: list[Variable] = []
    unknown: set[str] = set()
    _collect(root, (root.name,), ((root.name,),), vocabulary, known, unknown)
    return ModelVariables(tuple(known), frozenset(unknown))


# ------------------------------------------------------------------------------------------ names in their scopes


_Scope: TypeAlias = tuple[str, ...]


def _collect(
    layer: Layer,
    scope: _Scope,
    aliases: tuple[_Scope, ...],
    vocabulary: Vocabulary,
    known: list[Variable],
    unknown: set[str],
) -> None:
    """Adds the variables of a layer that is built in a scope, which Keras calls by one of the aliases."""
    if len(aliases) > _MOST_ALIASES:
        unknown.update({*scope, ""})
    elif layer.class_name not in vocabulary.classes:
        unknown.update({*scope, "" if "layers" in layer.config else layer.name})
    elif layer.is_container:
        for child in reachable_layers(layer):
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
            keras_name = "kernel" if name == "depthwise_kernel" and layer.class_name == "DepthwiseConv2D" else name
            also = tuple("/".join((*alias, keras_name)) for alias in aliases)
            known.append(Variable("/".join((*scope, name)), shape, layer, None if dtype else "float32", also))


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
    if layer.class_name in _WITHOUT_VARIABLES:
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
        vector: Shape | None = (None,) if layer.class_name == "BatchNormalization" else None
        shapes = {name: vector for name, key in (("gamma", "scale"), ("beta", "center")) if _default_true(layer, key)}
        if layer.class_name == "BatchNormalization":
            shapes |= {"moving_mean": vector, "moving_variance": vector}
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


# -------------------------------------------------------------------------------------------- names in an artifact


def is_numbered_name(name: str) -> bool:
    """Whether TensorFlow.js takes the names for those of a Keras v3 file (``dense/vars/0``), which it numbers."""
    return re.match(r"\s*[+-]?\d", name.split("/")[-1]) is not None


def shortened_name(name: str) -> str:
    """The name without its last but one part: ``lstm/kernel`` of ``lstm/lstm_cell/kernel``.

    ``Container.loadWeights`` tries it where no variable has the whole name.
    """
    parts = name.split("/")
    return "/".join([*parts[:-2], parts[-1]])
