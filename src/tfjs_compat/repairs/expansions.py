"""Operations that TensorFlow.js does not have, written out in those that it has, each by a rule that needs nothing but
the operation's own inputs and attributes. The graph is converted with skip_op_check.

A rule is a function of ``EXPANSIONS`` from a node and an empty `Nodes` to what is put in the node's place; it gives
False where it does not know the node's settings.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from tfjs_compat.artifact.nodes import Graph, Node
from tfjs_compat.repairs.edits import Document, Edit
from tfjs_compat.repairs.graph_edits import Built, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair

_INT32, _FLOAT = {"type": "DT_INT32"}, {"type": "DT_FLOAT"}
_LARGEST_EXPONENT = 127
"""Of float32, whose largest number is 2 ** 128 - 2 ** 104."""


class Nodes:
    """The nodes that compute what one node does; the last one made takes its name. No weight is added: numbers are
    counted from the rank of what the node is given."""

    def __init__(self, node: Node) -> None:
        self._built, self._given = Built(node), node.inputs[0]
        self.dtype = node.attributes.get("T") or node.attributes.get("dtype") or _FLOAT

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What was made so far."""
        return self._built.nodes

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node more; its name. Of the dtype of the node that is replaced, where the attributes do not say another."""
        return self._built.add(f"{op.lower()}_{len(self.entries)}", op, *inputs, **{"T": self.dtype, **attributes})

    def number(self, value: int) -> str:
        """A whole number, as int32."""
        if value < 0:
            return self.add("Neg", self.number(-value), T=_INT32)
        rank = self.add("Rank", self._given)
        if value < 2:
            return self.add("OnesLike" if value else "ZerosLike", rank, T=_INT32)
        ones = [self.add("OnesLike", rank, T=_INT32)] * value
        return self.add("Size", self.listed(*ones), out_type=_INT32, T=_INT32)

    def listed(self, *numbers: str, dtype: dict[str, str] = _INT32) -> str:
        """Scalars as a list."""
        return self.add("Pack", *numbers, N={"i": str(len(numbers))}, axis={"i": "0"}, T=dtype)

    def as_float(self, number: str) -> str:
        """A whole number as float32."""
        return self.add("Cast", number, SrcT=_INT32, DstT=_FLOAT)

    def joined(self, axis: str, *tensors: str, dtype: dict[str, str] | None = None) -> str:
        """Tensors joined along an axis."""
        typed = {"T": dtype or self.dtype}
        return self.add("ConcatV2", *tensors, axis, N={"i": str(len(tensors))}, Tidx=_INT32, **typed)

    def from_first(self, shape: str) -> str:
        """A list without its first number."""
        masks = {mask: {"i": "0"} for mask in ("begin_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")}
        one, end = self.listed(self.number(1)), self.listed(self.number(0))
        return self.add("StridedSlice", shape, one, end, one, **masks, end_mask={"i": "1"}, Index=_INT32, T=_INT32)

    def largest_float(self) -> str:
        """The largest float32."""
        two = self.as_float(self.number(2))
        power = self.add("Pow", two, self.as_float(self.number(_LARGEST_EXPONENT)), T=_FLOAT)
        last = self.add("Pow", two, self.as_float(self.number(_LARGEST_EXPONENT - 23)), T=_FLOAT)
        return self.add("AddV2", power, self.add("Sub", power, last, T=_FLOAT), T=_FLOAT)


Rule = Callable[[Node, Nodes], bool]


def _softsign(node: Node, nodes: Nodes) -> bool:
    (x,) = node.inputs[:1]
    nodes.add("RealDiv", x, nodes.add("AddV2", nodes.add("OnesLike", x), nodes.add("Abs", x)))
    return True


def _l2_loss(node: Node, nodes: Nodes) -> bool:
    flat = nodes.add("Reshape", nodes.add("Square", node.inputs[0]), nodes.listed(nodes.number(-1)), Tshape=_INT32)
    whole = nodes.add("Sum", flat, nodes.number(0), keep_dims={"b": False}, Tidx=_INT32)
    nodes.add("RealDiv", whole, nodes.as_float(nodes.number(2)))
    return True


def _rint(node: Node, nodes: Nodes) -> bool:
    # To the even number from the middle, as tf.round of TensorFlow.js.
    nodes.add("Round", node.inputs[0])
    return True


def _space_to_depth(node: Node, nodes: Nodes) -> bool:
    """Pixels of a block go to the batch, row by row, and from there beside each other into the channels."""
    size = _whole(node, "block_size")
    if size is None or _text(node, "data_format") not in ("", "NHWC"):
        return False
    zero, wide = nodes.number(0), nodes.number(size)
    rim = nodes.listed(zero, zero)
    none = nodes.add("Pack", rim, rim, N={"i": "2"}, axis={"i": "0"}, T=_INT32)
    block = nodes.listed(wide, wide)
    apart = nodes.add("SpaceToBatchND", node.inputs[0], block, none, Tblock_shape=_INT32, Tpaddings=_INT32)
    split = nodes.add("Split", zero, apart, num_split={"i": str(size * size)})
    nodes.joined(nodes.number(3), *(f"{split}:{index}" if index else split for index in range(size * size)))
    return True


def _scatter_onto(op: str) -> Rule:
    """What is scattered is added up where it comes together, and so to what is there."""

    def rule(node: Node, nodes: Nodes) -> bool:
        tensor, indices, updates = node.inputs[:3]
        indexed = {"Tindices": node.attributes.get("Tindices", _INT32)}
        shape = nodes.add("Shape", tensor, out_type=_INT32)
        nodes.add(op, tensor, nodes.add("ScatterNd", indices, updates, shape, **indexed))
        return True

    return rule


def _segments(mean: bool) -> Rule:
    """Sums of sorted segments: as many as the last number says."""

    def rule(node: Node, nodes: Nodes) -> bool:
        data, segments = node.inputs[:2]
        ids = node.attributes.get("Tidx") or node.attributes.get("Tindices") or _INT32
        one = nodes.number(1)
        last = nodes.add("Max", segments, nodes.number(0), keep_dims={"b": False}, Tidx=_INT32, T=ids)
        count = nodes.listed(nodes.add("AddV2", last, one, T=_INT32))
        places = nodes.add("ExpandDims", segments, one, Tdim=_INT32, T=ids)
        rest = nodes.from_first(nodes.add("Shape", data, out_type=_INT32))
        shape = nodes.joined(nodes.number(0), count, rest, dtype=_INT32)
        sums = nodes.add("ScatterNd", places, data, shape, Tindices=ids)
        if mean:
            many = nodes.add("ScatterNd", places, nodes.add("OnesLike", data), shape, Tindices=ids)
            nodes.add("RealDiv", sums, nodes.add("Maximum", many, nodes.add("OnesLike", sums)))
        return True

    return rule


def _segment_extreme(op: str, empty: Callable[[Nodes], str]) -> Rule:
    """Of each segment's rows against all others, which count as the least there is. Takes segments × rows numbers."""

    def rule(node: Node, nodes: Nodes) -> bool:
        if nodes.dtype != _FLOAT or len(node.inputs) < 3:
            return False
        data, segments, count = node.inputs[:3]
        ids = node.attributes.get("Tindices", _INT32)
        zero, one, minus = nodes.number(0), nodes.number(1), nodes.listed(nodes.number(-1))
        # Rows are counted by the segments: those that data has beyond its first axis are flat.
        rest = nodes.from_first(nodes.add("Shape", data, out_type=_INT32))
        rows = nodes.add("Size", segments, out_type=_INT32, T=ids)
        flat = nodes.add("Reshape", data, nodes.joined(zero, nodes.listed(rows), minus, dtype=_INT32), Tshape=_INT32)
        numbers = nodes.add("ExpandDims", nodes.add("Range", zero, count, one, Tidx=_INT32), one, Tdim=_INT32, T=_INT32)
        here = nodes.add("Equal", numbers, nodes.add("ExpandDims", segments, zero, Tdim=_INT32, T=ids), T=ids)
        mask = nodes.add("ExpandDims", here, nodes.number(2), Tdim=_INT32, T={"type": "DT_BOOL"})
        each = nodes.add("ExpandDims", flat, zero, Tdim=_INT32)
        kept = nodes.add("SelectV2", mask, each, empty(nodes))
        found = nodes.add(op, kept, one, keep_dims={"b": False}, Tidx=_INT32)
        nodes.add("Reshape", found, nodes.joined(zero, nodes.listed(count), rest, dtype=_INT32), Tshape=_INT32)
        return True

    return rule


def _lowest(nodes: Nodes) -> str:
    return nodes.add("Neg", nodes.largest_float(), T=_FLOAT)


def _fft2d(op: str) -> Rule:
    """Along the last axis, then along the one before it."""

    def rule(node: Node, nodes: Nodes) -> bool:
        (x,) = node.inputs[:1]
        complex64 = {"type": "DT_COMPLEX64"}
        if node.attributes.get("Tcomplex", complex64) != complex64:
            return False
        rank = nodes.add("Rank", x, T=complex64)
        one, two, zero = nodes.number(1), nodes.number(2), nodes.number(0)
        last, other = nodes.add("Sub", rank, one, T=_INT32), nodes.add("Sub", rank, two, T=_INT32)
        before = nodes.add("Range", zero, other, one, Tidx=_INT32)
        turned = nodes.joined(zero, before, nodes.listed(last, other), dtype=_INT32)
        first = nodes.add(op, x, Tcomplex=complex64)
        across = nodes.add("Transpose", first, turned, Tperm=_INT32, T=complex64)
        second = nodes.add(op, across, Tcomplex=complex64)
        nodes.add("Transpose", second, turned, Tperm=_INT32, T=complex64)
        return True

    return rule


def _sparse_product(node: Node, nodes: Nodes) -> bool:
    """The rows of the matrix that the entries name, each times its entry, added up."""
    if len(node.inputs) < 4 or _is_set(node, "adjoint_a") or _is_set(node, "adjoint_b"):
        return False
    indices, values, shape, matrix = node.inputs[:4]
    ids = node.attributes.get("Tindices", _INT32)
    one, zero = nodes.number(1), nodes.number(0)
    split = nodes.add("Split", one, indices, num_split={"i": "2"}, T=ids)
    columns = nodes.add("Squeeze", f"{split}:1", squeeze_dims={"list": {"i": ["1"]}}, T=ids)
    rows = nodes.add("GatherV2", matrix, columns, zero, batch_dims={"i": "0"}, Tindices=ids)
    times = nodes.add("Mul", nodes.add("ExpandDims", values, one, Tdim=_INT32), rows)
    height = nodes.add("GatherV2", shape, nodes.listed(zero), zero, batch_dims={"i": "0"}, Tparams=ids)
    width = nodes.from_first(nodes.add("Shape", matrix, out_type=_INT32))
    whole = nodes.joined(zero, height, width, dtype=_INT32)
    nodes.add("ScatterNd", split, times, whole, Tindices=ids)
    return True


EXPANSIONS: dict[str, Rule] = {
    "Softsign": _softsign,
    "L2Loss": _l2_loss,
    "Rint": _rint,
    "SpaceToDepth": _space_to_depth,
    "TensorScatterAdd": _scatter_onto("AddV2"),
    "TensorScatterSub": _scatter_onto("Sub"),
    "SegmentSum": _segments(mean=False),
    "SegmentMean": _segments(mean=True),
    "UnsortedSegmentMax": _segment_extreme("Max", _lowest),
    "UnsortedSegmentMin": _segment_extreme("Min", Nodes.largest_float),
    "FFT2D": _fft2d("FFT"),
    "IFFT2D": _fft2d("IFFT"),
    "SparseTensorDenseMatMul": _sparse_product,
}
"""Operation → what writes it out."""


def _whole(node: Node, name: str) -> int | None:
    found = node.attributes.get(name)
    text = str(found.get("i", "")) if isinstance(found, dict) else ""
    return int(text) if text.isdigit() and 1 <= int(text) <= 64 else None


def _text(node: Node, name: str) -> str:
    found = node.attributes.get(name)
    coded = found.get("s", "") if isinstance(found, dict) else ""
    try:
        return base64.b64decode(coded).decode()
    except (ValueError, TypeError):
        return "?"


def _is_set(node: Node, name: str) -> bool:
    found = node.attributes.get(name)
    return isinstance(found, dict) and bool(found.get("b"))


def _expanded(document: Document) -> Iterator[Edit]:
    graph = readable_graph(document)
    if graph is not None:
        yield from put_in_place(graph, _replacements(graph))


def _replacements(graph: Graph) -> Iterator[tuple[Node, list[dict[str, Any]]]]:
    for node in graph.nodes:
        rule = EXPANSIONS.get(node.op)
        if rule is None or not node.inputs:
            continue
        nodes = Nodes(node)
        if rule(node, nodes):
            nodes.entries[-1]["name"] = node.name
            yield node, nodes.entries


EXPANDED = (
    Repair(
        id="written-out",
        title="an operation that TensorFlow.js has not is written out in those that it has",
        cures=("unsupported-ops",),
        formats=("graph",),
        versions="any TensorFlow (softsign, space_to_depth, segments of graph networks, tensor_scatter_nd_add, fft2d, "
        "products with sparse matrices), converted with skip_op_check",
        find=_expanded,
    ),
)
