"""Random weights for the examples: the same numbers for every version of Keras."""

import functools
import zlib

import numpy as np
from tensorflow import keras

TOKENS = 20
"""How many tokens, users, items or categories there are: integer inputs are below it."""

BATCH = 3
"""The batch size of models that fix one."""


def random_weights(build):
    """Make a builder fill its model's weights."""

    @functools.wraps(build)
    def builder():
        model = build()
        _fill(model, build.__name__)
        return model

    return builder


def _fill(model, name):
    """Set every float weight to numbers that depend on the model's name and on the weight's place.

    The place is the layer's class, its rank among the layers of that class, and the weight's rank in the layer: names
    of layers and weights, and the order of ``model.weights``, differ between Keras 2 and 3. States of recurrent layers
    and random generators are left alone, and so is Normalization, which its builder adapts.
    """
    rank = {}
    for layer in _leaves(model, set()):
        kind = type(layer).__name__
        weights = [weight for weight in layer.weights if _is_parameter(weight)]
        if not weights or kind == "Normalization":
            continue
        rank[kind] = rank.get(kind, -1) + 1
        for position, weight in enumerate(weights):
            place = "%s/%s/%d/%d" % (name, kind, rank[kind], position)
            random = np.random.RandomState(zlib.crc32(place.encode()))
            weight.assign(_values(kind, _short(weight), tuple(weight.shape), random).astype("float32"))


def _leaves(model, seen):
    """The layers inside a model, in order, each once; a model inside gives its own layers."""
    for layer in model.layers:
        if id(layer) not in seen:
            seen.add(id(layer))
            if isinstance(layer, keras.Model):
                yield from _leaves(layer, seen)
            else:
                yield layer


def _short(weight):
    """The name without its path and without the ``:0`` of Keras 2."""
    return weight.name.split("/")[-1].split(":")[0]


def _is_parameter(weight):
    return "float" in str(weight.dtype) and "state" not in _short(weight)


def _values(kind, short, shape, random):
    """Numbers of both signs that keep a signal's size, so that rows of a batch stay apart through deep models."""
    if short in ("gamma", "scale"):
        return random.uniform(0.6, 1.4, shape) * random.choice([-1.0, 1.0], shape)
    if short == "moving_variance":
        return random.uniform(0.5, 1.5, shape)
    if short in ("bias", "beta", "alpha", "moving_mean"):
        return random.uniform(-0.4, 0.4, shape)
    if short == "embeddings":
        return random.normal(0.0, 1.0, shape)
    return random.normal(0.0, (2.0 / _fan_in(kind, short, shape)) ** 0.5, shape)


def _fan_in(kind, short, shape):
    """How many products are summed for one output of a kernel."""
    if "Depthwise" in kind or short == "depthwise_kernel":
        return np.prod(shape[:-2])
    if "Transpose" in kind:  # height, width, outputs, inputs; a stride of two in both directions
        return np.prod(shape[:-2]) * shape[-1] / 4
    return np.prod(shape[:-1])
