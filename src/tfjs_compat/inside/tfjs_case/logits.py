"""The logits of an output: what its last softmax or sigmoid is given.

They show what that hides. An untrained deep network gives each class the same probability whatever it sees: its logits
differ from row to row, but by less than float32 has of 1/1000. A saturated softmax is the same at its other end.
"""

import numpy as np

from tfjs_case import judgement

LEAST_SCALE = 1e-30
"""Logits that are smaller are not compared: float32 loses digits from 1.2e-38 on, and layers before may be there."""


class Logits:
    """``values``, and the ``activation`` that they go into: softmax or sigmoid."""

    def __init__(self, activation, values):
        self.activation, self.values = activation, values


def tensor_of(output):
    """The logits that belong to an output of a Keras model, None where there are none.

    Keras keeps them beside what its softmax and sigmoid give, for the losses: ``_keras_logits`` (keras/activations.py
    of Keras 2, keras/src/activations/activations.py of Keras 3).
    """
    tensor = getattr(output, "_keras_logits", None)
    if tensor is None or not hasattr(tensor, "numpy") or tuple(tensor.shape) != tuple(output.shape):
        return None
    return tensor


def of(output, values):
    """The Logits of an output with these values; None where there are none, or none that can be compared."""
    tensor = tensor_of(output)
    if tensor is None:
        return None
    found = tensor.numpy()
    if found.dtype != np.float32 or judgement.scale_of(judgement.wide(found)) < LEAST_SCALE:
        return None
    for activation, function in (("sigmoid", _sigmoid), ("softmax", _softmax)):
        with np.errstate(all="ignore"):
            if found.size and np.allclose(
                function(judgement.wide(found)), values, rtol=1e-3, atol=1e-6, equal_nan=True
            ):
                return Logits(activation, found)
    return None


def _sigmoid(numbers):
    return 1.0 / (1.0 + np.exp(-numbers))


def _softmax(numbers):
    powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
