"""Names that a layers model uses and that the TensorFlow.js in use does not register.

Which names exist comes from the bundle; only *where TensorFlow.js looks for one* stands here, because a name in a place
that it never reads harms nobody (tfjs-layers 4.17 to 4.22, constructors under ``layers/``).
"""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.checks.layers import Layer, camel, label, member, walk
from tfjs_compat.jsonpath import show
from tfjs_compat.outcomes import Finding
from tfjs_compat.vocabulary import Vocabulary

_KERNEL = ("kernelInitializer", "kernelRegularizer", "kernelConstraint")
_BIAS = ("biasInitializer", "biasRegularizer", "biasConstraint")
_DEPTHWISE = ("depthwiseInitializer", "depthwiseRegularizer", "depthwiseConstraint")
_RECURRENT = ("recurrentInitializer", "recurrentRegularizer", "recurrentConstraint")
_DENSE = ("activation", *_KERNEL, *_BIAS, "activityRegularizer")
_CELL = ("activation", *_KERNEL, *_RECURRENT, *_BIAS)
_GATED = ("recurrentActivation", *_CELL)

NAMED: dict[str, tuple[str, ...]] = {
    "Dense": _DENSE,
    "Conv1D": _DENSE,
    "Conv2D": _DENSE,
    "Conv3D": _DENSE,
    "Conv2DTranspose": _DENSE,
    "Conv3DTranspose": _DENSE,
    "SeparableConv2D": (*_DENSE, *_DEPTHWISE, "pointwiseRegularizer", "pointwiseConstraint"),
    "DepthwiseConv2D": ("activation", *_BIAS, *_DEPTHWISE, "activityRegularizer"),
    "Embedding": ("embeddingsInitializer", "embeddingsRegularizer", "embeddingsConstraint", "activityRegularizer"),
    "BatchNormalization": (
        "betaInitializer",
        "gammaInitializer",
        "movingMeanInitializer",
        "movingVarianceInitializer",
        "betaConstraint",
        "gammaConstraint",
        "betaRegularizer",
        "gammaRegularizer",
    ),
    "LayerNormalization": ("betaInitializer", "gammaInitializer", "betaRegularizer", "gammaRegularizer"),
    "PReLU": ("alphaInitializer", "alphaRegularizer", "alphaConstraint"),
    "Activation": ("activation",),
    "SimpleRNN": _CELL,
    "SimpleRNNCell": _CELL,
    "GRU": _GATED,
    "GRUCell": _GATED,
    "LSTM": _GATED,
    "LSTMCell": _GATED,
    "ConvLSTM2D": _GATED,
    "ConvLSTM2DCell": _GATED,
}
"""The config values of each layer that TensorFlow.js hands to its deserializer."""

_SHORT = {
    "initializer": {
        "constant": "Constant",
        "glorotNormal": "GlorotNormal",
        "glorotUniform": "GlorotUniform",
        "heNormal": "HeNormal",
        "heUniform": "HeUniform",
        "identity": "Identity",
        "leCunNormal": "LeCunNormal",
        "leCunUniform": "LeCunUniform",
        "ones": "Ones",
        "orthogonal": "Orthogonal",
        "randomNormal": "RandomNormal",
        "randomUniform": "RandomUniform",
        "truncatedNormal": "TruncatedNormal",
        "varianceScaling": "VarianceScaling",
        "zeros": "Zeros",
    },
    "regularizer": {"l1l2": "L1L2"},
    "constraint": {"maxNorm": "MaxNorm", "minMaxNorm": "MinMaxNorm", "nonNeg": "NonNeg", "unitNorm": "UnitNorm"},
    "activation": {},
}
"""Short names (``*_IDENTIFIER_REGISTRY_SYMBOL_MAP``), which stand for a class name if one is given as a string."""

REGISTERED = {
    "initializer": frozenset(_SHORT["initializer"].values()),
    "regularizer": frozenset(_SHORT["regularizer"].values()),
    "constraint": frozenset(_SHORT["constraint"].values()),
    "activation": frozenset(
        {"elu", "gelu", "hard_sigmoid", "linear", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "softmax",
         "softplus", "softsign", "swish", "tanh"}
    ),
}  # fmt: skip
"""What TensorFlow.js 4.17 to 4.22 registers, activations as Keras calls them; a bundle's vocabulary goes before it."""

_WORDS = {"distribution": ("normal", "uniform", "truncatedNormal"), "mode": ("fanIn", "fanOut", "fanAvg")}


def check_names(root: Layer, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Layers and the functions and objects in their configs that TensorFlow.js cannot make."""
    for layer in walk(root):
        if layer.class_name not in vocabulary.classes:
            raw, _ = member(layer.entry, "className")
            message = f"Unknown layer: {label(layer)} is not registered in TensorFlow.js {vocabulary.tfjs}"
            yield Finding("unknown-layer", f"{layer.path}.{raw}", message)
            continue
        for key in NAMED.get(layer.class_name, ()):
            value = layer.config.get(key)
            if value is None or (key.endswith("Initializer") and not value):
                continue  # a default takes its place
            yield from _check_object(layer, key, value, vocabulary)


def object_class(kind: str, value: object) -> str | None:
    """The class name that TensorFlow.js looks up for a config value; None if it finds none there."""
    if isinstance(value, str):
        name = camel(value)
        return _SHORT[kind].get(name, name)
    if isinstance(value, dict):
        _, class_name = member(value, "className")
        if isinstance(class_name, str) and value.get("config") is not None:
            return camel(class_name)
    return None


def _check_object(layer: Layer, key: str, value: object, vocabulary: Vocabulary) -> Iterator[Finding]:
    kind = next((kind for kind in _SHORT if key.lower().endswith(kind)), "activation")
    path = layer.at(key)
    name = object_class(kind, value)
    if name is None:
        message = f"{label(layer)}: {kind} {show(value)} has no class name and config that TensorFlow.js could read"
        yield Finding("object-malformed", path, message)
    elif name not in vocabulary.classes:
        message = f"Unknown {kind}: {name} of {label(layer)} is not registered in TensorFlow.js {vocabulary.tfjs}"
        if name == "function":
            message += f"; it is the Python function {show(value.get('config') if isinstance(value, dict) else value)}"
        yield Finding("unknown-layer", path, message)
    elif name == "VarianceScaling" and isinstance(value, dict) and isinstance(value["config"], dict):
        for word, known in _WORDS.items():
            given = value["config"].get(word)
            if isinstance(given, str) and camel(given) not in known:
                message = (
                    f"{label(layer)}: VarianceScaling with {word} {show(given)}; TensorFlow.js has {', '.join(known)}"
                )
                yield Finding("unsupported-setting", f"{path}.config.{word}", message)
