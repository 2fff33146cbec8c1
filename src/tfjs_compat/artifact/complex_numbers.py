"""Nodes that are given complex numbers and that TensorFlow.js computes with real ones only.

Its kernels refuse complex tensors (``assertNotComplex`` in tfjs-backend-cpu), but for ``Mean``, which takes the real
parts and says nothing. Those that join, reshape, transpose, add and multiply take them.
"""

from __future__ import annotations

from tfjs_compat.artifact.nodes import Node

COMPLEX = {"type": "DT_COMPLEX64"}

_MOVED = ("StridedSlice", "Slice", "Pad", "Tile", "ReverseV2", "BroadcastTo", "Sum", "Mean", "Neg", "Cumsum")
LINEAR = {**dict.fromkeys(_MOVED, "T"), "GatherV2": "Tparams"}
"""Operations of which each part of the result comes from the same part of the first input → the attribute that says of
what type that is."""

PRODUCTS = dict.fromkeys(("MatMul", "BatchMatMulV2", "Einsum"), "T")
"""Operations that multiply and add up what two inputs hold, likewise."""


def needs_real_numbers(node: Node) -> bool:
    """Whether a node is one of those, given complex numbers."""
    typed = LINEAR.get(node.op) or PRODUCTS.get(node.op)
    return typed is not None and bool(node.inputs) and node.attributes.get(typed) == COMPLEX
