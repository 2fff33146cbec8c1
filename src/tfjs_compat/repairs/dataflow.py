"""Graphs in which TensorFlow.js computes with other values: constants of branches, flattened look-ups, Erfc."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfjs_compat.artifact.branches import branch_constants
from tfjs_compat.artifact.lookups import flattened_lookups
from tfjs_compat.artifact.nodes import Graph, read_graph
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.repair import Repair

_NODES = ("modelTopology", "node")


def _readable(document: Document) -> Graph | None:
    graph = read_graph(document)
    if graph is None or graph.findings or len(graph.by_name) != len(graph.nodes):
        return None
    return graph


def _entry(name: str, op: str, inputs: list[str], **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": inputs, "attr": attributes}


def _branch_constants(document: Document) -> Iterator[Edit]:
    """The constant goes through a Switch of the branch's predicate, of which the Merge takes the branch's side."""
    graph = _readable(document)
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
        yield Put((*_NODES, end), _entry(name, "Switch", [found.constant.name, found.predicate], **dtype))
        end += 1
        taken = inputs.setdefault(found.merge.name, list(found.merge.inputs))
        taken[found.index] = f"{name}:1" if found.taken else name
    for name, taken in inputs.items():
        yield Put((*_NODES, places[name], "input"), taken)


def _lookups(document: Document) -> Iterator[Edit]:
    """What was looked up gets the shape of its keys; the Reshape has the look-up's name: nothing else changes."""
    graph = _readable(document)
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
        yield Put((*_NODES, places[node.name]), _entry(node.name, "Reshape", [flat, shape], **value_dtype))
        yield Put((*_NODES, end), {**listed[places[node.name]], "name": flat})
        yield Put((*_NODES, end + 1), _entry(shape, "Shape", [node.inputs[1]], **key_dtype))
        end += 2


def _erfc(document: Document) -> Iterator[Edit]:
    """erfc(x) is 1 - erf(x); the ones are made of x, for a repair adds no weight."""
    graph = _readable(document)
    if graph is None:
        return
    end = len(graph.nodes)
    for index, node in enumerate(graph.nodes):
        ones, erf = f"{node.name}/ones", f"{node.name}/erf"
        if node.op != "Erfc" or not node.inputs or ones in graph.by_name or erf in graph.by_name:
            continue
        dtype = {"T": node.attributes["T"]} if "T" in node.attributes else {}
        yield Put((*_NODES, index), _entry(node.name, "Sub", [ones, erf], **dtype))
        yield Put((*_NODES, end), _entry(ones, "OnesLike", [node.inputs[0]], **dtype))
        yield Put((*_NODES, end + 1), _entry(erf, "Erf", list(node.inputs), **dtype))
        end += 2


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
        id="erfc",
        title="Erfc, which TensorFlow.js has not, becomes 1 - Erf",
        cures=("erfc",),
        formats=("graph",),
        versions="TensorFlow >= 2.19 (gelu without approximation), converted with skip_op_check",
        find=_erfc,
    ),
)
