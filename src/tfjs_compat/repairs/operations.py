"""Operations that TensorFlow.js does not have, made of those that it has. The graph is converted with skip_op_check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfjs_compat.artifact.nodes import Node
from tfjs_compat.artifact.widths import shapes_of_constants
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.graph_edits import NODES, Built, dtype_of, node_entry, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair


def _erfc(document: Document) -> Iterator[Edit]:
    """erfc(x) is 1 - erf(x); the ones are made of x, for a repair adds no weight."""
    graph = readable_graph(document)
    if graph is not None:
        found = [node for node in graph.nodes if node.op == "Erfc" and node.inputs]
        yield from put_in_place(graph, ((node, _one_less_erf(node)) for node in found))


def _one_less_erf(node: Node) -> list[dict[str, Any]]:
    built, dtype = Built(node), dtype_of(node)
    ones, erf = built.add("ones", "OnesLike", node.inputs[0], **dtype), built.add("erf", "Erf", *node.inputs, **dtype)
    return built.end("Sub", ones, erf, **dtype)


def _rolls(document: Document) -> Iterator[Edit]:
    """Along each axis, what stands at i comes from i - shift, modulo the size. No weight is added."""
    graph = readable_graph(document)
    if graph is None:
        return
    shapes = shapes_of_constants(document)
    built = []
    for node in graph.nodes:
        given = [shapes.get(source) for source in node.inputs[1:3]] if node.op == "Roll" else []
        if len(given) == 2 and given[0] == given[1] and given[0] in ((), (1,), (2,), (3,), (4,)):
            built.append((node, _roll(node, given[0])))
    yield from put_in_place(graph, built)


def _roll(node: Node, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """The nodes that compute a Roll whose shifts and axes have this shape; the last one has its name."""
    tensor, *steps = node.inputs[:3]
    built, dtype, int32 = Built(node), dtype_of(node), {"T": {"type": "DT_INT32"}}
    add = built.add

    def numbers(part: str, source: str) -> list[str]:
        if not shape:
            return [source]
        each = add(part, "Unpack", source, num={"i": str(shape[0])}, axis={"i": "0"}, **int32)
        return [f"{each}:{index}" if index else each for index in range(shape[0])]

    shifts, axes = numbers("shifts", steps[0]), numbers("axes", steps[1])
    sizes, rank = add("sizes", "Shape", tensor, out_type=int32["T"], **dtype), add("rank", "Rank", tensor, **dtype)
    zero, one = add("zero", "ZerosLike", rank, **int32), add("one", "OnesLike", rank, **int32)
    rolled = tensor
    for index, (shift, given) in enumerate(zip(shifts, axes, strict=True)):
        axis = add(f"axis_{index}", "FloorMod", given, rank, **int32)
        size = add(f"size_{index}", "GatherV2", sizes, axis, zero, batch_dims={"i": "0"})
        places = add(f"places_{index}", "Range", zero, size, one, Tidx=int32["T"])
        source = add(f"from_{index}", "FloorMod", add(f"moved_{index}", "Sub", places, shift, **int32), size, **int32)
        gathered = (rolled, source, axis)
        if index < len(shifts) - 1:
            rolled = add(f"rolled_{index}", "GatherV2", *gathered, batch_dims={"i": "0"})
    return built.end("GatherV2", *gathered, batch_dims={"i": "0"})


def _segment_sums(document: Document) -> Iterator[Edit]:
    """ScatterNd adds up what goes to one place. No weight is added: numbers are made of that of the segments."""
    graph = readable_graph(document)
    if graph is not None:
        sums = [node for node in graph.nodes if node.op == "UnsortedSegmentSum" and len(node.inputs) > 2]
        yield from put_in_place(graph, ((node, _segment_sum(node)) for node in sums))


def _segment_sum(node: Node) -> list[dict[str, Any]]:
    """The nodes that compute an UnsortedSegmentSum; the last one has its name."""
    data, segments, count = node.inputs[:3]
    built, int32 = Built(node), {"type": "DT_INT32"}
    of_ids, of_data = {"T": node.attributes.get("Tindices", int32)}, {"T": node.attributes.get("T", int32)}
    add = built.add

    def listed(part: str, number: str) -> str:
        return add(part, "Pack", number, N={"i": "1"}, axis={"i": "0"}, T=int32)

    zero, one = add("zero", "ZerosLike", count, T=int32), add("one", "OnesLike", count, T=int32)
    places = add("places", "ExpandDims", segments, add("last", "Neg", one, T=int32), Tdim=int32, **of_ids)
    start = listed("rest_at", add("rank", "Rank", segments, **of_ids))
    masks = {mask: {"i": "0"} for mask in ("begin_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")}
    rest = add(
        "rest",
        "StridedSlice",
        *(add("shape", "Shape", data, out_type=int32, **of_data), start, listed("rest_to", zero), listed("step", one)),
        **masks,
        end_mask={"i": "1"},
        Index=int32,
        T=int32,
    )
    whole = add("whole", "ConcatV2", listed("segments", count), rest, zero, N={"i": "2"}, Tidx=int32, T=int32)
    return built.end("ScatterNd", places, data, whole, Tindices=int32, **of_data)


def _zero_signs(document: Document) -> Iterator[Edit]:
    """``x == 0 and bitcast(x) & 0x80000000 < 0`` becomes ``x == 0 and x < 0``, the same but for -0.

    So keras.ops.argmax and argmin find a -0, which they take for less than 0 (keras/src/backend/tensorflow/numpy.py,
    ``argmax`` and ``signbit``). Each node keeps its name; what takes its number from elsewhere stays as it is.
    """
    graph = readable_graph(document)
    if graph is None:
        return
    places = {node.name: index for index, node in enumerate(graph.nodes)}
    takers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for source in node.sources:
            takers.setdefault(source, []).append(node)

    def only_taker(node: Node | None, op: str) -> Node | None:
        found = takers.get(node.name, []) if node is not None else []
        return found[0] if len(found) == 1 and found[0].op == op else None

    for bits in [node for node in graph.nodes if node.op == "Bitcast" and node.inputs]:
        masked = only_taker(bits, "BitwiseAnd")
        less = only_taker(masked, "Less")
        both = only_taker(less, "LogicalAnd")
        if masked is None or less is None or both is None:
            continue
        others = [graph.by_name[source] for source in both.sources if source in graph.by_name and source != less.name]
        number = bits.inputs[0]
        if not any(other.op == "Equal" and number in other.inputs for other in others):
            continue
        dtype = dtype_of(bits)
        yield Put((*NODES, places[bits.name]), node_entry(bits.name, "ZerosLike", [number], **dtype))
        yield Put((*NODES, places[masked.name]), node_entry(masked.name, "Identity", [number], **dtype))
        yield Put((*NODES, places[less.name]), node_entry(less.name, "Less", [masked.name, bits.name], **dtype))


OPERATIONS = (
    Repair(
        id="erfc",
        title="Erfc, which TensorFlow.js has not, becomes 1 - Erf",
        cures=("erfc",),
        formats=("graph",),
        versions="TensorFlow >= 2.19 (gelu without approximation), converted with skip_op_check",
        find=_erfc,
    ),
    Repair(
        id="segment-sum",
        title="UnsortedSegmentSum, which TensorFlow.js has not, becomes a ScatterNd",
        cures=("unsupported-ops",),
        formats=("graph",),
        versions="any TensorFlow (ops.segment_sum: graph networks), converted with skip_op_check",
        find=_segment_sums,
    ),
    Repair(
        id="roll",
        title="Roll, which TensorFlow.js has not, gathers what stands a shift away",
        cures=("unsupported-ops",),
        formats=("graph",),
        versions="any TensorFlow (tf.roll, keras.ops.roll: shifted windows), converted with skip_op_check",
        find=_rolls,
    ),
    Repair(
        id="zero-sign",
        title="argmax and argmin take -0 for 0, and do without Bitcast, which TensorFlow.js has not",
        cures=("unsupported-ops",),
        formats=("graph",),
        versions="Keras >= 3.7 (keras.ops.argmax, keras.ops.argmin), converted with skip_op_check",
        find=_zero_signs,
    ),
)
