"""How wide the rows of a graph's tensors are, as far as the document alone says; products that are fused with what is
wider than they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfjs_compat.artifact.nodes import Node, strings_in

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of constants, by the name of their nodes."""

_BROADCAST = frozenset({"Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference"})
_ALIKE = frozenset({"Identity", "Relu", "Relu6", "Elu", "Selu", "Tanh", "Sigmoid", "Softplus", "Softmax", "Exp", "Neg"})
_DEEPEST = 12


def shapes_of_constants(document: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes that the manifest of a model.json gives the constants. Leaves out what is malformed."""
    manifest = document.get("weightsManifest")
    groups = [group.get("weights") for group in _listed(manifest) if isinstance(group, Mapping)]
    entries = [entry for group in groups for entry in _listed(group) if isinstance(entry, Mapping)]
    return {str(entry.get("name")): tuple(entry["shape"]) for entry in entries if isinstance(entry.get("shape"), list)}


def widened_product(node: Node, by_name: Mapping[str, Node], shapes: Shapes) -> bool:
    """Whether a product of one column is fused with the addition of something wider, which TensorFlow.js refuses."""
    if node.op != "_FusedMatMul" or len(node.inputs) != 3:
        return False
    fused = [word.lower() for word in strings_in(node.attributes.get("fused_ops"))]
    columns = _columns(node, shapes)
    return fused[:1] == ["biasadd"] and columns == 1 and (_width(node.inputs[2], by_name, shapes) or 1) > 1


def _width(source: str, by_name: Mapping[str, Node], shapes: Shapes, depth: int = 0) -> int | None:
    """The size of the last axis of what an input names; None where it is not known."""
    node = by_name.get(source)
    if node is None or depth > _DEEPEST:
        return None
    if node.op == "Const":
        shape = shapes.get(source)
        return None if shape is None else (shape or (1,))[-1]
    if node.op in _ALIKE and node.inputs:
        return _width(node.inputs[0], by_name, shapes, depth + 1)
    if node.op in _BROADCAST:
        found = [_width(each, by_name, shapes, depth + 1) for each in node.inputs[:2]]
        wide = [each for each in found if each is not None and each > 1]
        return wide[0] if wide else None if None in found else 1
    if node.op == "MatMul":
        return _columns(node, shapes)
    if node.op == "_FusedMatMul" and len(node.inputs) == 3:
        columns, added = _columns(node, shapes), _width(node.inputs[2], by_name, shapes, depth + 1)
        return columns if columns is None or columns > 1 else added
    return None


def _columns(node: Node, shapes: Shapes) -> int | None:
    """The columns of a product with a constant."""
    shape = shapes.get(node.inputs[1]) if len(node.inputs) > 1 else None
    transposed = node.attributes.get("transpose_b")
    at = 0 if isinstance(transposed, Mapping) and transposed.get("b") else -1
    return shape[at] if shape is not None and len(shape) == 2 else None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
