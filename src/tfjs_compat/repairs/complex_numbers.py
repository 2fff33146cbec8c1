"""Complex numbers where TensorFlow.js computes with real ones only: their parts one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfjs_compat.artifact.complex_numbers import COMPLEX, LINEAR, SUMS, needs_real_numbers
from tfjs_compat.artifact.nodes import Node
from tfjs_compat.repairs.edits import Document, Edit
from tfjs_compat.repairs.graph_edits import node_entry, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair

_FLOAT = {"type": "DT_FLOAT"}


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
    name, (given, *others) = node.name, node.inputs
    built = _parts_of(name, given, "")
    for part in ("real", "imaginary"):
        attributes = {**node.attributes, LINEAR[node.op]: _FLOAT}
        built.append(node_entry(f"{name}/{part}", node.op, [f"{name}/{part}_of", *others], **attributes))
    return [*built, _joined(name, f"{name}/real", f"{name}/imaginary")]


def _sum(node: Node) -> list[dict[str, Any]]:
    """Both parts of two inputs, each added to its own kind."""
    name, attributes = node.name, {**node.attributes, "T": _FLOAT}
    built = [*_parts_of(name, node.inputs[0], "_first"), *_parts_of(name, node.inputs[1], "_second")]
    for part in ("real", "imaginary"):
        pair = [f"{name}/{part}_of_first", f"{name}/{part}_of_second"]
        built.append(node_entry(f"{name}/{part}", node.op, pair, **attributes))
    return [*built, _joined(name, f"{name}/real", f"{name}/imaginary")]


def _product(node: Node) -> list[dict[str, Any]]:
    """(a + bi)(c + di) is (ac - bd) + (ad + bc)i, whatever is added up."""
    name, attributes = node.name, {**node.attributes, "T": _FLOAT}
    built = [*_parts_of(name, node.inputs[0], "_first"), *_parts_of(name, node.inputs[1], "_second")]
    for first in ("real", "imaginary"):
        for second in ("real", "imaginary"):
            pair = [f"{name}/{first}_of_first", f"{name}/{second}_of_second"]
            built.append(node_entry(f"{name}/{first}_{second}", node.op, pair, **attributes))
    built.append(node_entry(f"{name}/real", "Sub", [f"{name}/real_real", f"{name}/imaginary_imaginary"], T=_FLOAT))
    mixed = [f"{name}/real_imaginary", f"{name}/imaginary_real"]
    built.append(node_entry(f"{name}/imaginary", "AddV2", mixed, T=_FLOAT))
    return [*built, _joined(name, f"{name}/real", f"{name}/imaginary")]


def _parts_of(name: str, given: str, which: str) -> list[dict[str, Any]]:
    return [
        node_entry(f"{name}/{part}_of{which}", op, [given], T=COMPLEX, Tout=_FLOAT)
        for part, op in (("real", "Real"), ("imaginary", "Imag"))
    ]


def _joined(name: str, real: str, imaginary: str) -> dict[str, Any]:
    return node_entry(name, "Complex", [real, imaginary], T=_FLOAT, Tout=COMPLEX)


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
