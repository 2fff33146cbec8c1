"""Lookups: one that was adapted keeps a table that cannot be frozen; a layers model has none at all."""

import numpy as np

from .encoding import joined
from .rewrite import Refused, Rewrite, always, shape_of

_LARGEST = 1 << 16
"""The largest integer of a vocabulary that becomes a row of a matrix."""


def _adapted(layer, _):
    config = layer.get_config()
    return config.get("vocabulary") is None and len(layer.get_vocabulary()) > 1


def _given_vocabulary(_, layer):
    """The same lookup, with what it was adapted to as if it had been given: a constant table."""
    if layer.output_mode == "tf_idf":
        raise Refused("it weighs what it counts (tf_idf)")
    words = list(layer.get_vocabulary(include_special_tokens=False))
    made = type(layer).from_config(dict(layer.get_config(), vocabulary=words))
    return lambda x, **keywords: made(x, **keywords)


def _integer_lookup(kit, layer):
    """Rows of a matrix: one for each integer from 0 to the largest of the vocabulary, and one for all others."""
    mode = layer.output_mode
    if mode not in ("int", "one_hot", "multi_hot", "count"):
        raise Refused("its output mode is %s" % mode)
    if layer.num_oov_indices > 1:
        raise Refused("it hashes what is not in its vocabulary")
    words = [int(word) for word in layer.get_vocabulary(include_special_tokens=False)]
    mask = getattr(layer, "mask_token", None)
    known = words + ([int(mask)] if mask is not None else [])
    largest = max(known, default=0)
    if min(known, default=0) < 0 or largest > _LARGEST or not layer.num_oov_indices:
        raise Refused("its vocabulary is not of integers from 0 to %d" % _LARGEST)
    # Row 0 is for what is below 0, the last for what is above all.
    numbers = np.arange(-1, largest + 2, dtype="int64").reshape(-1, 1)
    rows = np.asarray(layer(numbers), dtype="float32")
    depth = rows.shape[-1]
    shifted = kit.layer("Rescaling", layer, "shifted", scale=1.0, offset=1.0)
    clipped = kit.layer("ReLU", layer, "clipped", max_value=float(largest + 2))
    table = kit.constant("Embedding", layer, "table", [rows], input_dim=len(rows), output_dim=depth)

    def call(x):
        sizes = shape_of(x)[1:]
        if sum(size is None for size in sizes) > 1 or not sizes:
            raise Refused("the shape of its input is not known")
        found = table(clipped(shifted(x)))
        if mode != "int":
            return joined(kit, layer, found, sizes, depth, mode)
        return kit.layer("Reshape", layer, "", target_shape=tuple(-1 if size is None else size for size in sizes))(
            found
        )

    return call


LOOKUPS = (
    Rewrite(
        "adapted-lookup",
        "a lookup that was adapted becomes one that is given its vocabulary",
        classes=("StringLookup", "IntegerLookup"),
        formats=("graph",),
        fits=_adapted,
        make=_given_vocabulary,
    ),
    Rewrite(
        "integer-lookup",
        "an IntegerLookup becomes an Embedding of what it gives for each integer",
        classes=("IntegerLookup",),
        formats=("layers",),
        fits=always,
        make=_integer_lookup,
    ),
)
