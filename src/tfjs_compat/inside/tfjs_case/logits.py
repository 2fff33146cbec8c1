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


def traced(tf, call, specs):
    """A call that computes the same by a graph and keeps beside each output the logits that the graph has of it; None
    where it has none. For what is no activation of Keras: ``tf.nn.softmax`` in a model's own code.

    Raises what tracing raises.
    """
    names, places = [], []

    def within(*tensors):
        outputs = call(list(tensors))
        found = [_taken_by_activation(value) for _, value in outputs]
        names.extend([name for name, _ in outputs])
        places.extend([place for place, each in enumerate(found) if each is not None])
        return [value for _, value in outputs], [each for each in found if each is not None]

    tensors = [tf.TensorSpec(spec.shape, spec.dtype) for spec in specs]
    function = tf.function(within, input_signature=tensors).get_concrete_function()
    if not places:
        return None

    def call_with_logits(arrays):
        given = [tf.convert_to_tensor(array, dtype=spec.dtype) for array, spec in zip(arrays, specs)]
        values, kept = function(*given)
        for place, tensor in zip(places, kept):
            values[place]._keras_logits = tensor
        return list(zip(names, values))

    return call_with_logits


def _taken_by_activation(tensor):
    """What a symbolic tensor's Softmax or Sigmoid takes; None where it is given by something else."""
    operation = getattr(tensor, "op", None)
    while operation is not None and operation.type == "Identity":
        operation = operation.inputs[0].op
    return operation.inputs[0] if operation is not None and operation.type in ("Softmax", "Sigmoid") else None


def _sigmoid(numbers):
    return 1.0 / (1.0 + np.exp(-numbers))


def _softmax(numbers):
    powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
