"""Complex numbers where TensorFlow.js computes with real ones only: their parts one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfjs_compat.artifact.complex_numbers import COMPLEX, LINEAR, SUMS, needs_real_numbers
from tfjs_compat.artifact.nodes import Node
from tfjs_compat.repairs.edits import Document, Edit
from tfjs_compat.repairs.graph_edits import Built, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair

_FLOAT = {"type": "DT_FLOAT"}
_PARTS = {"real": "Real", "imaginary": "Imag"}
"""Part of a complex number → the operation that gives it."""


def _parted(document: Document) -> Iterator[Edit]:
    graph = readable_graph(document)
    if graph is None:
        return
    built = [
        (node, _linear(node) if node.op in LINEAR else _sum(node) if node.op in SUMS else _product(node))
        for node in graph.nodes
        if needs_real_numbers(node, graph.by_name) and (node.op in LINEAR or len(node.inputs) == 2)
    ]
    yield from put_in_place(graph, built)


def _linear(node: Node) -> list[dict[str, Any]]:
    """What a node does, done to both parts of its first input."""
    built, (given, *others) = Built(node), node.inputs
    attributes = {**node.attributes, LINEAR[node.op]: _FLOAT}
    parts = _parts_of(built, given, "")
    done = [built.add(part, node.op, source, *others, **attributes) for part, source in parts.items()]
    return _joined(built, *done)


def _sum(node: Node) -> list[dict[str, Any]]:
    """Both parts of two inputs, each added to its own kind."""
    built, attributes = Built(node), {**node.attributes, "T": _FLOAT}
    first, second = _parts_of(built, node.inputs[0], "_first"), _parts_of(built, node.inputs[1], "_second")
    added = [built.add(part, node.op, first[part], second[part], **attributes) for part in _PARTS]
    return _joined(built, *added)


def _product(node: Node) -> list[dict[str, Any]]:
    """(a + bi)(c + di) is (ac - bd) + (ad + bc)i, whatever is added up."""
    built, attributes = Built(node), {**node.attributes, "T": _FLOAT}
    first, second = _parts_of(built, node.inputs[0], "_first"), _parts_of(built, node.inputs[1], "_second")

    def product(one: str, other: str) -> str:
        return built.add(f"{one}_{other}", node.op, first[one], second[other], **attributes)

    real = built.add("real", "Sub", product("real", "real"), product("imaginary", "imaginary"), T=_FLOAT)
    imaginary = built.add("imaginary", "AddV2", product("real", "imaginary"), product("imaginary", "real"), T=_FLOAT)
    return _joined(built, real, imaginary)


def _parts_of(built: Built, given: str, which: str) -> dict[str, str]:
    """Part → the name of the node that gives it."""
    return {part: built.add(f"{part}_of{which}", op, given, T=COMPLEX, Tout=_FLOAT) for part, op in _PARTS.items()}


def _joined(built: Built, real: str, imaginary: str) -> list[dict[str, Any]]:
    return built.end("Complex", real, imaginary, T=_FLOAT, Tout=COMPLEX)


COMPLEX_NUMBERS = (
    Repair(
        id="complex-parts",
        title="what TensorFlow.js does to real numbers only is done to both parts of complex ones",
        cures=("complex-numbers",),
        formats=("graph",),
        versions="any TensorFlow (slices, sums and products of spectra: tf.signal, FFT)",
        find=_parted,
    ),
)
