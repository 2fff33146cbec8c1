"""Attention as matrix products: Dense layers of each head, Dot and Softmax."""

import math

import numpy as np

from .rewrite import Refused, Rewrite, shape_of


def _multi_head(kit, layer):
    projections = [_part(layer, name) for name in ("query", "value", "key")]
    output = _part(layer, "output")
    heads, key_size, value_size = layer._num_heads, layer._key_dim, layer._value_dim or layer._key_dim
    arrays = [[np.asarray(array) for array in each.get_weights()] for each in projections]
    weights = [np.asarray(array) for array in output.get_weights()]
    if weights[0].ndim != 3 or any(each[0].ndim != 3 for each in arrays):
        raise Refused("it attends over several axes")
    scale, with_bias = 1.0 / math.sqrt(key_size), len(weights) > 1
    last = [weights[0].reshape(heads * value_size, -1)] + weights[1:]
    out = kit.layer("Dense", layer, "", last, units=last[0].shape[1], use_bias=with_bias)

    def call(query, value, key=None, **keywords):
        _require_plain([query, value, key], keywords)
        given = (query, value, value if key is None else key)
        if any(len(shape_of(each)) != 3 for each in given):
            raise Refused("it attends over several axes")
        found = []
        for head in range(heads):
            q, v, k = (
                kit.layer(
                    "Dense",
                    layer,
                    "%s_%d" % (name, head),
                    [each[0][:, head]] + [bias[head] for bias in each[1:]],
                    units=each[0].shape[2],
                    use_bias=len(each) > 1,
                )(tensor)
                for name, each, tensor in zip(("query", "value", "key"), arrays, given)
            )
            found.append(_attended(kit, layer, q, k, v, scale, "_%d" % head))
        joined = found[0]
        if heads > 1:
            joined = kit.layer("Concatenate", layer, "heads", axis=-1)(found)
        return out(joined)

    return call


def _attention(kit, layer):
    if getattr(layer, "score_mode", "dot") != "dot":
        raise Refused("it scores by %s" % layer.score_mode)
    scale = float(np.asarray(layer.get_weights()[0])) if layer.use_scale else 1.0

    def call(inputs, **keywords):
        _require_plain(inputs, keywords)
        query, value, key = (*inputs, inputs[1])[:3]
        return _attended(kit, layer, query, key, value, scale, "", "")

    return call


def _attended(kit, layer, query, key, value, scale, suffix, last="attended"):
    if scale != 1.0:
        query = kit.layer("Rescaling", layer, "scaled" + suffix, scale=scale)(query)
    scores = kit.layer("Dot", layer, "scores" + suffix, axes=(2, 2))([query, key])
    shares = kit.layer("Softmax", layer, "shares" + suffix)(scores)
    return kit.layer("Dot", layer, last and last + suffix, axes=(2, 1))([shares, value])


def _part(layer, name):
    found = getattr(layer, "_%s_dense" % name, None) or getattr(layer, "%s_dense" % name, None)
    if found is None:
        raise Refused("its parts have other names")
    return found


def _require_plain(tensors, keywords):
    masked = any(getattr(tensor, "_keras_mask", None) is not None for tensor in tensors)
    if masked or any(value is not None and value is not False for value in keywords.values()):
        raise Refused("it is called with a mask, or gives its scores")


ATTENTION = (
    Rewrite(
        "multi-head-attention",
        "a MultiHeadAttention becomes Dense, Dot and Softmax layers of each head",
        classes=("MultiHeadAttention",),
        formats=("layers",),
        fits=lambda layer, _: hasattr(layer, "_num_heads"),
        make=_multi_head,
    ),
    Rewrite(
        "attention",
        "an Attention becomes Dot and Softmax layers",
        classes=("Attention",),
        formats=("layers",),
        fits=lambda layer, _: hasattr(layer, "use_scale"),
        make=_attention,
    ),
)
