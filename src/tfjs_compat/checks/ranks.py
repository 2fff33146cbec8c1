"""Tensors of more dimensions than a layer of TensorFlow.js takes.

tfjs-layers ``layers/normalization.ts`` (``batchNormalization``): two to four dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfjs_compat.artifact.layers import Layer, label
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding

_MOST = 4


def check_ranks(given: CheckInput) -> Iterator[Finding]:
    """Layers whose input has more dimensions than TensorFlow.js takes, as far as Keras wrote its shape."""
    for layer in given.layers():
        rank = _input_rank(layer) if layer.class_name == "BatchNormalization" else None
        if rank is not None and rank > _MOST:
            message = f"{label(layer)} normalises a tensor of {rank} dimensions; TensorFlow.js takes two to {_MOST}"
            yield Finding("batch-norm-rank", layer.path, message)


def _input_rank(layer: Layer) -> int | None:
    """The rank of a layer's input: Keras 3 writes shapes into nodes and build_config, Keras 2 the axis counted up."""
    axis: Any = layer.config.get("axis")
    axis = axis[0] if isinstance(axis, list) and axis else axis
    shapes = list(_shapes(layer.entry.get("inbound_nodes")))
    build: Any = layer.entry.get("build_config")
    if isinstance(build, Mapping) and isinstance(build.get("input_shape"), list):
        shapes.append(build["input_shape"])
    if shapes:
        return max(map(len, shapes))
    return axis + 1 if isinstance(axis, int) and axis >= 0 else None


def _shapes(nodes: object) -> Iterator[list[Any]]:
    for node in nodes if isinstance(nodes, list) else ():
        arguments = node.get("args") if isinstance(node, Mapping) else None
        for argument in arguments if isinstance(arguments, list) else ():
            config = argument.get("config") if isinstance(argument, Mapping) else None
            if isinstance(config, Mapping) and isinstance(config.get("shape"), list):
                yield config["shape"]


RANKS = Check(
    findings={"batch-norm-rank": "a BatchNormalization of more dimensions than TensorFlow.js normalises"},
    formats=("layers",),
    run=check_ranks,
)
