"""Nodes that are given complex numbers and that TensorFlow.js computes with real ones only.

Its kernels refuse complex tensors (``assertNotComplex`` in tfjs-backend-cpu), but for ``Mean``, which takes the real
parts and says nothing. Those that join, reshape and transpose take them, and those that add and multiply tensors of one
shape; where one is spread over the other they give NaN.
"""

from __future__ import annotations

from collections.abc import Mapping

from tfjs_compat.artifact.nodes import Node

COMPLEX = {"type": "DT_COMPLEX64"}

_MOVED = ("StridedSlice", "Slice", "Pad", "Tile", "ReverseV2", "BroadcastTo", "Sum", "Mean", "Neg", "Cumsum")
LINEAR = {**dict.fromkeys(_MOVED, "T"), "GatherV2": "Tparams"}
"""Operations of which each part of the result comes from the same part of the first input → the attribute that says of
what type that is."""

PRODUCTS = frozenset({"MatMul", "BatchMatMulV2", "Einsum", "Mul"})
"""Operations that multiply what two inputs hold, and add it up."""

SUMS = frozenset({"Add", "AddV2", "Sub"})

_OF_ONE_SHAPE = frozenset({"Mul", *SUMS})


def needs_real_numbers(node: Node, by_name: Mapping[str, Node]) -> bool:
    """Whether a node is one of those, given complex numbers. A constant, which has no batch, is spread over one."""
    if not node.inputs or node.attributes.get(LINEAR.get(node.op, "T")) != COMPLEX:
        return False
    if node.op in _OF_ONE_SHAPE:
        return any(source in by_name and by_name[source].op == "Const" for source in node.inputs)
    return node.op in LINEAR or node.op in PRODUCTS
