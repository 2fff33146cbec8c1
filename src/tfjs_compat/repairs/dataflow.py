"""Graphs in which TensorFlow.js computes with other values: constants of branches, look-ups, bands, sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfjs_compat.artifact.bands import uneven_bands
from tfjs_compat.artifact.branches import branch_constants
from tfjs_compat.artifact.lookups import flattened_lookups
from tfjs_compat.artifact.nodes import CUMULATIVE, Node
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.graph_edits import NODES, Built, dtype_of, node_entry, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair


def _branch_constants(document: Document) -> Iterator[Edit]:
    """The constant goes through a Switch of the branch's predicate, of which the Merge takes the branch's side."""
    graph = readable_graph(document)
    if graph is None:
        return
    places = {node.name: index for index, node in enumerate(graph.nodes)}
    end = len(graph.nodes)
    inputs: dict[str, list[str]] = {}
    for found in branch_constants(graph.nodes, graph.by_name):
        name = f"{found.merge.name}/constant_{found.index}"
        if found.merge.name not in graph.used or name in graph.by_name:
            continue
        dtype = {"T": found.merge.attributes["T"]} if "T" in found.merge.attributes else {}
        yield Put((*NODES, end), node_entry(name, "Switch", [found.constant.name, found.predicate], **dtype))
        end += 1
        taken = inputs.setdefault(found.merge.name, list(found.merge.inputs))
        taken[found.index] = f"{name}:1" if found.taken else name
    for name, taken in inputs.items():
        yield Put((*NODES, places[name], "input"), taken)


def _lookups(document: Document) -> Iterator[Edit]:
    """What was looked up gets the shape of its keys; the Reshape has the look-up's name: nothing else changes."""
    graph = readable_graph(document)
    if graph is None:
        return
    listed: Any = document["modelTopology"]["node"]
    places = {node.name: index for index, node in enumerate(graph.nodes)}
    end = len(graph.nodes)
    for node, _ in flattened_lookups(graph.nodes, graph.by_name):
        flat, shape = f"{node.name}/flat", f"{node.name}/keys_shape"
        if flat in graph.by_name or shape in graph.by_name:
            continue
        key_dtype = {"T": node.attributes["Tin"]} if "Tin" in node.attributes else {}
        value_dtype = {"T": node.attributes["Tout"]} if "Tout" in node.attributes else {}
        yield Put((*NODES, places[node.name]), node_entry(node.name, "Reshape", [flat, shape], **value_dtype))
        yield Put((*NODES, end), {**listed[places[node.name]], "name": flat})
        yield Put((*NODES, end + 1), node_entry(shape, "Shape", [node.inputs[1]], **key_dtype))
        end += 2


def _cumulative_axes(document: Document) -> Iterator[Edit]:
    """The axis modulo the rank: from the front, wherever it was counted from."""
    graph = readable_graph(document)
    if graph is None:
        return
    places = {node.name: index for index, node in enumerate(graph.nodes)}
    end = len(graph.nodes)
    for node in graph.nodes:
        axis = graph.by_name.get(node.inputs[1]) if node.op in CUMULATIVE and len(node.inputs) > 1 else None
        rank, front = f"{node.name}/rank", f"{node.name}/axis_from_front"
        if axis is None or axis.op != "Const" or rank in graph.by_name or front in graph.by_name:
            continue
        dtype = dtype_of(node)
        yield Put((*NODES, places[node.name], "input"), [node.inputs[0], front, *node.inputs[2:]])
        yield Put((*NODES, end), node_entry(rank, "Rank", [node.inputs[0]], **dtype))
        entry = node_entry(front, "FloorMod", [node.inputs[1], rank], T={"type": "DT_INT32"})
        yield Put((*NODES, end + 1), entry)
        end += 2


def _bands(document: Document) -> Iterator[Edit]:
    """What lies in the band is chosen by row and column; every number is made of the widths: no weight is added."""
    graph = readable_graph(document)
    if graph is not None:
        yield from put_in_place(graph, ((node, _band(node)) for node in uneven_bands(graph.nodes)))


def _band(node: Node) -> list[dict[str, Any]]:
    """The nodes that compute a band part; the last one has its name."""
    matrix, lower, upper = node.inputs[:3]
    whole = node.attributes.get("Tindex") or {"type": "DT_INT32"}
    of, dtype, built = {"T": whole}, dtype_of(node), Built(node)
    add = built.add

    def size(part: str, start: str) -> str:
        begin = add(f"{part}_at", "Pack", start, N={"i": "1"}, axis={"i": "0"}, **of)
        masks = {mask: {"i": "0"} for mask in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")}
        return add(
            part, "StridedSlice", shape, begin, begin, stride, **masks, shrink_axis_mask={"i": "1"}, Index=whole, **of
        )

    zero, one = add("zero", "ZerosLike", lower, **of), add("one", "OnesLike", lower, **of)
    last = add("last", "Neg", one, **of)
    stride = add("stride", "Pack", one, N={"i": "1"}, axis={"i": "0"}, **of)
    shape = add("shape", "Shape", matrix, out_type=whole, **dtype)
    rows, columns = size("rows", add("last_but_one", "Sub", last, one, **of)), size("columns", last)
    column = add("column", "Range", zero, columns, one, Tidx=whole)
    tall = add("tall", "Pack", rows, one, N={"i": "2"}, axis={"i": "0"}, **of)
    row = add("row", "Reshape", add("row_numbers", "Range", zero, rows, one, Tidx=whole), tall, Tshape=whole, **of)
    below, above = add("below", "Sub", row, column, **of), add("above", "Sub", column, row, **of)
    sides = []
    for side, distance, width in (("lower", below, lower), ("upper", above, upper)):
        all_of_it = add(f"{side}_whole", "Less", width, zero, **of)
        near = add(f"{side}_near", "LessEqual", distance, width, **of)
        sides.append(add(f"{side}_kept", "LogicalOr", near, all_of_it))
    kept = add("kept", "LogicalAnd", *sides)
    nothing = add("nothing", "ZerosLike", matrix, **dtype)
    return built.end("SelectV2", kept, matrix, nothing, **dtype)


DATAFLOW = (
    Repair(
        id="branch-constant",
        title="a constant of a branch goes through a Switch, so that it counts only where the branch is taken",
        cures=("branch-constant",),
        formats=("graph",),
        versions="any TensorFlow, without control_flow_v2 (tf.cond, loops with break)",
        find=_branch_constants,
        links=("https://github.com/tensorflow/tfjs/issues/2263",),
    ),
    Repair(
        id="lookup-shape",
        title="what is looked up in a table gets the shape of its keys",
        cures=("lookup-flattened",),
        formats=("graph",),
        versions="any TensorFlow, of models with tables (StringLookup, IntegerLookup, tf.lookup)",
        find=_lookups,
        links=("https://github.com/tensorflow/tfjs/issues/6420",),
    ),
    Repair(
        id="cumulative-axis",
        title="the axis of a cumulative sum or product is counted from the front",
        cures=("cumulative-axis",),
        formats=("graph",),
        versions="any TensorFlow (ops.cumsum along axis -1), TensorFlow.js <= 4.22",
        find=_cumulative_axes,
    ),
    Repair(
        id="band-part",
        title="a band of a matrix whose two widths differ is chosen by row and column",
        cures=("band-part",),
        formats=("graph",),
        versions="any TensorFlow (causal masks of open length, tf.linalg.band_part), TensorFlow.js <= 4.22",
        find=_bands,
    ),
)
