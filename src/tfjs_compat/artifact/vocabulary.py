"""The names that one release of TensorFlow.js registers."""

from __future__ import annotations

import msgspec


class Vocabulary(msgspec.Struct, frozen=True):
    """What the bundle of release ``tfjs`` registers.

    ``classes``: what its deserializer can build: layers, activations, initializers, regularizers, constraints and
    optimizers, by class name (``Dense``, ``GlorotUniform``) or camelCase (``hardSigmoid``: TensorFlow.js turns the
    ``hard_sigmoid`` of a model.json into it). ``ops``: TensorFlow ops that its graph executor maps.
    """

    tfjs: str
    classes: frozenset[str]
    ops: frozenset[str]
