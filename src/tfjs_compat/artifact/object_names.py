"""Activations, initializers, regularizers, constraints: where configs name them, how TensorFlow.js looks them up.

Source: tfjs-layers 4.17 to 4.22, the constructors under ``layers/`` and the maps of short names in ``initializers.ts``,
``regularizers.ts`` and ``constraints.ts``.
"""

from __future__ import annotations

from tfjs_compat.artifact.layers import camel_case, member

SHORT_NAMES = {
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


_KERNEL = ("kernelInitializer", "kernelRegularizer", "kernelConstraint")
_BIAS = ("biasInitializer", "biasRegularizer", "biasConstraint")
_DEPTHWISE = ("depthwiseInitializer", "depthwiseRegularizer", "depthwiseConstraint")
_RECURRENT = ("recurrentInitializer", "recurrentRegularizer", "recurrentConstraint")
_DENSE = ("activation", *_KERNEL, *_BIAS, "activityRegularizer")
_CELL = ("activation", *_KERNEL, *_RECURRENT, *_BIAS)
_GATED = ("recurrentActivation", *_CELL)

OBJECT_KEYS: dict[str, tuple[str, ...]] = {
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

REGISTERED_NAMES = {
    "initializer": frozenset(SHORT_NAMES["initializer"].values()),
    "regularizer": frozenset(SHORT_NAMES["regularizer"].values()),
    "constraint": frozenset(SHORT_NAMES["constraint"].values()),
    "activation": frozenset(
        {"elu", "gelu", "hard_sigmoid", "linear", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "softmax",
         "softplus", "softsign", "swish", "tanh"}
    ),
}  # fmt: skip
"""What TensorFlow.js 4.17 to 4.22 registers, activations as Keras calls them; a bundle's vocabulary goes before it."""


def object_class(kind: str, value: object) -> str | None:
    """The class name that TensorFlow.js looks up for a config value; None if it finds none there."""
    if isinstance(value, str):
        name = camel_case(value)
        return SHORT_NAMES[kind].get(name, name)
    if isinstance(value, dict):
        _, class_name = member(value, "className")
        if isinstance(class_name, str) and value.get("config") is not None:
            return camel_case(class_name)
    return None
