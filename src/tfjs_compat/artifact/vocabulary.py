"""What one release of TensorFlow.js knows by name, as read off its bundle."""

from __future__ import annotations

import msgspec


class Vocabulary(msgspec.Struct, frozen=True):
    """The names that a bundle registers.

    ``classes``: what its deserializer can build: layers, activations, initializers, regularizers, constraints and
    optimizers, by class name (``Dense``, ``GlorotUniform``) or camelCase (``hardSigmoid``: TensorFlow.js turns the
    ``hard_sigmoid`` of a model.json into it). ``ops``: TensorFlow ops that its graph executor maps.
    """

    tfjs: str
    classes: frozenset[str]
    ops: frozenset[str]
