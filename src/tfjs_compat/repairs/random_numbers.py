"""Random numbers of Keras 3, which come from a seed that is kept, as those of TensorFlow.js, which has no such seeds.

What they are is random in both; how they are spread is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfjs_compat.artifact.nodes import Node
from tfjs_compat.repairs.edits import Document, Edit
from tfjs_compat.repairs.graph_edits import Built, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair

_SHAPED = {
    "StatelessRandomNormal": "RandomStandardNormal",
    "StatelessRandomNormalV2": "RandomStandardNormal",
    "StatelessRandomUniform": "RandomUniform",
    "StatelessRandomUniformV2": "RandomUniform",
    "StatelessTruncatedNormal": "TruncatedNormal",
    "StatelessTruncatedNormalV2": "TruncatedNormal",
}
"""What is drawn in a shape, the first input → the operation that draws it without a seed."""

_BETWEEN = {"StatelessRandomUniformInt": 2, "StatelessRandomUniformIntV2": 4}
"""Whole numbers between two, the first of which is the input of this number."""

_FLOAT, _INT32 = {"type": "DT_FLOAT"}, {"type": "DT_INT32"}

DRAWN = frozenset({*_SHAPED, *_BETWEEN, "StatelessMultinomial"})
"""The operations that this repair replaces."""


def _drawn(document: Document) -> Iterator[Edit]:
    graph = readable_graph(document)
    if graph is not None:
        draws = [node for node in graph.nodes if node.op in DRAWN and node.inputs]
        yield from put_in_place(graph, ((node, built) for node in draws if (built := _without_seed(node))))


def _without_seed(node: Node) -> list[dict[str, Any]]:
    """The nodes that draw what a node draws; the last one has its name. None of them where it is not known how."""
    built, dtype = Built(node), node.attributes.get("dtype", _FLOAT)
    if node.op in _SHAPED:
        return built.end(_SHAPED[node.op], node.inputs[0], dtype=dtype) if dtype == _FLOAT else []
    if node.op == "StatelessMultinomial":
        given = {name: node.attributes[name] for name in ("T", "output_dtype") if name in node.attributes}
        return built.end("Multinomial", *node.inputs[:2], **given)
    low, high = node.inputs[_BETWEEN[node.op] : _BETWEEN[node.op] + 2]
    width = built.add("width", "Sub", high, low, T=_INT32)
    width_as_float = built.add("width_as_float", "Cast", width, SrcT=_INT32, DstT=_FLOAT)
    drawn = built.add("drawn", "RandomUniform", node.inputs[0], dtype=_FLOAT)
    stretched = built.add("stretched", "Mul", drawn, width_as_float, T=_FLOAT)
    whole = built.add("whole", "Floor", stretched, T=_FLOAT)
    as_int = built.add("as_int", "Cast", whole, SrcT=_FLOAT, DstT=_INT32)
    return built.end("AddV2", as_int, low, T=_INT32)


RANDOM_NUMBERS = (
    Repair(
        id="random-numbers",
        title="random numbers that come from a kept seed are drawn by TensorFlow.js",
        cures=("unsupported-ops",),
        formats=("graph",),
        versions="Keras >= 3.0 (keras.random: sampling, dropout that is always on), converted with skip_op_check",
        find=_drawn,
        costs="the seed: TensorFlow.js draws other numbers at each call",
    ),
)
