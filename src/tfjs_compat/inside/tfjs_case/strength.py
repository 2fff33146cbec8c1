"""How much of a model shows in a comparison, by one backward pass."""

import numpy as np

from tfjs_case import logits

SHARE = 0.1
"""By which part of a weight tensor's size (root mean square) each of its values is changed, in thought."""

_LEAST_OFFSET = 0.1
"""The size that a bias counts with at least: untrained it is zero, and it is added to what is of size 1."""

MOST_NAMED = 12
LARGEST = 1 << 22
"""Elements of inputs and weights together from which on a batch is cut to one row: what a backward pass keeps."""


FAINT = 1e-3
"""A weight by which others are multiplied is nearly zero up to this size: LayerScale begins with 1e-6, the last
normalization of a residual block with 0."""

_MULTIPLIERS = ("gamma", "scale", "layer_scale")


class NotMeasured(Exception):
    """Why nothing can be said."""


def measure(tf, signature, inputs, allowed, allowed_of_logits=None):
    """``(strength, outputs)``: ``{"tensors", "shown", "hidden"}``, and the outputs that the pass began with.

    ``allowed``: output name → what it may differ by; outputs that are not there are not compared.
    ``allowed_of_logits`` is the same of their logits. A weight tensor
    shows where changing each of its values by SHARE of its size, at random, moves the outputs by more than they may
    differ, in the mean over their elements. ``g`` is the gradient of a sum of the outputs' elements, each divided by
    what it may differ by, with random signs: the expected square of that sum's change is then |g|² (SHARE size)², and
    that of an element the same divided by their number. Raises NotMeasured.
    """
    weights = [weight for weight in signature.variables if _is_floating(weight)]
    if not weights:
        raise NotMeasured("the model has no weights")
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        handles = [_variable(weight) for weight in weights]
        tape.watch(handles)
        outputs = signature.call(signature.ordered(inputs))
    of_logits = allowed_of_logits or {}
    asked = [(value, allowed.get(name)) for name, value in outputs]
    asked += [(logits.tensor_of(value), of_logits[name]) for name, value in outputs if name in of_logits]
    compared = [
        (value, limit) for value, limit in asked if limit and hasattr(value, "dtype") and value.dtype.is_floating
    ]
    if not compared:
        raise NotMeasured("no compared output is a floating-point number")
    # In units of the smallest, which no precision is too short for.
    unit = min(limit for _, limit in compared)
    random = np.random.RandomState(0)
    signs = [_signs(random, value) * (unit / limit) for value, limit in compared]
    gradients = tape.gradient(
        [value for value, _ in compared],
        handles,
        output_gradients=[tf.constant(each, dtype=value.dtype) for each, (value, _) in zip(signs, compared)],
    )
    least = unit * np.sqrt(sum(each.size for each in signs))
    names = [str(getattr(weight, "path", None) or weight.name) for weight in weights]
    shows = [
        None if gradient is None and _is_statistic(name) else _shows(handle, gradient, least)
        for name, handle, gradient in zip(names, handles, gradients)
    ]
    for place, name in [(place, name) for place, name in enumerate(names) if shows[place] is None]:
        # Its layer's others move the same values. Without any it cannot be asked about.
        others = [shown for shown, other in zip(shows, names) if shown is not None and _layer(other) == _layer(name)]
        shows[place] = any(others) if others else None
    sure = [shown for shown in shows if shown is not None]
    hidden = [name for name, shown in zip(names, shows) if shown is False]
    said = {"tensors": len(sure), "shown": sum(sure), "hidden": hidden[:MOST_NAMED]}
    if hidden:
        said["faint"] = faint(zip(names, handles))[:MOST_NAMED]
    return said, outputs


def faint(weights):
    """Of ``[(name, values), …]`` the names of those that multiply what layers give and are zero or nearly."""
    multipliers = [(name, np.asarray(values)) for name, values in weights if _kind(name) in _MULTIPLIERS]
    return [name for name, values in multipliers if values.size and float(np.abs(values).max()) <= FAINT]


def _kind(name):
    return name.partition(":")[0].rpartition("/")[2]


def _layer(name):
    return name.rpartition("/")[0]


def _is_statistic(name):
    """Whether it is what TensorFlow has no gradient for: mean and variance of FusedBatchNormV3 when predicting.

    Source: _BaseFusedBatchNormGrad in tensorflow/python/ops/nn_grad.py.
    """
    return _kind(name) in ("moving_mean", "moving_variance")


def _is_floating(weight):
    return str(getattr(weight.dtype, "name", weight.dtype)).startswith(("float", "bfloat"))


def _variable(weight):
    """The variable of TensorFlow behind one of Keras 3."""
    return getattr(weight, "value", weight) if not callable(getattr(weight, "value", None)) else weight


def _signs(random, value):
    """1 or -1 for each element of an output, at random; 0 where it is not finite."""
    return random.choice([-1.0, 1.0], size=value.shape.as_list()) * np.isfinite(value.numpy().astype("float64"))


def _shows(weight, gradient, least):
    if gradient is None:
        return False
    # Rows of an embedding: the same row may be there twice, which changes little.
    slopes = np.asarray(getattr(gradient, "values", gradient), dtype=np.float64)
    if not np.isfinite(slopes).all():
        return True
    values = np.asarray(weight, dtype=np.float64)
    size = float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
    size = max(size, _LEAST_OFFSET) if values.ndim < 2 else size or 1.0
    moved = SHARE * size * float(np.sqrt(np.sum(np.square(slopes))))
    return bool(moved > least)
