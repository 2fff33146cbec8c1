"""Discretization, whose operation Bucketize TensorFlow.js lacks, as steps: how many boundaries a value has reached."""

import numpy as np

from .encoding import joined
from .rewrite import Refused, Rewrite, always, shape_of

_STEEP = float(2.0**100)
"""A difference of two float32 numbers times this is at least 1, but for differences below 1e-30. A power of two, so
that the product is exact; where it overflows, its sign is right."""


def _discretization(kit, layer):
    bounds = np.ravel(np.asarray(layer.bin_boundaries, dtype="float32"))
    if bounds.size == 0:
        raise Refused("it has no boundaries yet: adapt it first")
    count, mode = bounds.size, layer.output_mode
    if mode not in ("int", "one_hot", "multi_hot", "count"):
        raise Refused("its output mode is %s" % mode)
    to_float = kit.layer("Rescaling", layer, "float", scale=1.0)
    # x - b, of which the sign is always right; then 0 below 0, and 1 from there on.
    minus = [np.ones((1, count), "float32"), -bounds]
    differences = kit.constant("Dense", layer, "differences", minus, units=count)
    steep = kit.layer("Rescaling", layer, "steep", scale=_STEEP, offset=1.0)
    steps = kit.layer("ReLU", layer, "steps", max_value=1.0)

    def call(x):
        sizes = shape_of(x)[1:]
        if sum(size is None for size in sizes) > 1:
            raise Refused("it has several open dimensions")
        known = [-1 if size is None else size for size in sizes]
        each = kit.layer("Reshape", layer, "each", target_shape=(*known, 1))
        reached = steps(steep(differences(each(to_float(x)))))
        if mode == "int":
            summed = kit.constant(
                "Dense", layer, "number" if known else "", [np.ones((count, 1), "float32")], units=1, use_bias=False
            )(reached)
            if not known:
                raise Refused("its input has no axis but the batch")
            return kit.layer("Reshape", layer, "", target_shape=tuple(known))(summed)
        # In bin k is what has reached boundary k and not boundary k + 1.
        bins = np.eye(count + 1, dtype="float32")[1:] - np.eye(count + 1, dtype="float32")[:-1]
        first = np.eye(count + 1, dtype="float32")[0]
        hot = kit.constant("Dense", layer, "bins", [bins, first], units=count + 1)(reached)
        return joined(kit, layer, hot, sizes, count + 1, mode)

    return call


DISCRETIZATION = (
    Rewrite(
        "discretization",
        "a Discretization becomes steps at its boundaries, counted",
        classes=("Discretization",),
        formats=("layers", "graph"),
        fits=always,
        make=_discretization,
    ),
)
