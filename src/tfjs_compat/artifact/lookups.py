"""Look-ups in tables: TensorFlow.js gives a list, whatever the shape of the keys.

tfjs-converter ``executor/hash_table.ts``: ``find`` stacks one value for each key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfjs_compat.artifact.nodes import Node

FIND = frozenset({"LookupTableFind", "LookupTableFindV2"})
_SAME_SHAPE = frozenset({"Identity", "Cast", "StringLower", "StringUpper", "StringStrip", "StopGradient"})


def flattened_lookups(nodes: Sequence[Node], by_name: Mapping[str, Node]) -> Iterator[tuple[Node, int | None]]:
    """The look-ups whose keys may have another rank than 1, each with that rank; None where it is not known.

    One whose result is reshaped like its keys is none of them.
    """
    restored = {node.sources[0] for node in nodes if node.op == "Reshape" and _restores(node, by_name)}
    for node in nodes:
        if node.op in FIND and len(node.inputs) > 1 and node.name not in restored:
            rank = _rank(node.inputs[1], by_name)
            if rank != 1:
                yield node, rank


def _restores(node: Node, by_name: Mapping[str, Node]) -> bool:
    """Whether a Reshape gives what was looked up the shape of the keys."""
    found, shape = (by_name.get(source) for source in node.sources[:2]) if len(node.inputs) > 1 else (None, None)
    if found is None or found.op not in FIND or shape is None or shape.op != "Shape" or len(found.inputs) < 2:
        return False
    return shape.inputs[:1] == found.inputs[1:2]


def _rank(name: str, by_name: Mapping[str, Node], steps: int = 32) -> int | None:
    """The number of dimensions of a tensor, as far as the graph says it of an input."""
    node = by_name.get(name.split(":")[0])
    while node is not None and node.op in _SAME_SHAPE and node.inputs and steps:
        node, steps = by_name.get(node.sources[0]), steps - 1
    attribute: Any = node.attributes.get("shape") if node is not None and node.op == "Placeholder" else None
    shape = attribute.get("shape") if isinstance(attribute, dict) else None
    if not isinstance(shape, dict) or shape.get("unknownRank"):
        return None
    sizes = shape.get("dim", [])
    return len(sizes) if isinstance(sizes, list) else None
