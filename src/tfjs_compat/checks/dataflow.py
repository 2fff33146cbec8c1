"""What of a graph model TensorFlow.js runs with other values than TensorFlow: branches, look-ups, bands, sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tfjs_compat.artifact.bands import uneven_bands
from tfjs_compat.artifact.branches import branch_constants
from tfjs_compat.artifact.jsonpath import show
from tfjs_compat.artifact.lookups import flattened_lookups
from tfjs_compat.artifact.nodes import CUMULATIVE, Node, downstream_of, read_graph
from tfjs_compat.artifact.reading import Artifact
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding


def check_dataflow(given: CheckInput) -> Iterator[Finding]:
    """Constants of branches, flattened look-ups and uneven bands that an output needs."""
    graph = read_graph(given.artifact.document)
    if graph is None or graph.findings:
        return
    for node, rank in flattened_lookups(graph.nodes, graph.by_name):
        if node.name in graph.used:
            severity: Literal["error", "warning"] = "warning" if rank is None else "error"
            shape = "keys of unknown shape" if rank is None else f"keys of {rank} dimensions"
            message = f"{node.op} {show(node.name)} looks up {shape}; TensorFlow.js gives a list"
            yield Finding("lookup-flattened", node.path, message, severity)
    for found in branch_constants(graph.nodes, graph.by_name):
        if found.merge.name in graph.used:
            message = (
                f"{show(found.merge.name)} takes the constant {show(found.constant.name)} of a branch, also where "
                f"{show(found.predicate)} is {str(not found.taken).lower()} and the branch is not taken"
            )
            yield Finding("branch-constant", f"{found.merge.path}.input[{found.index}]", message)
    branches = downstream_of(graph.nodes, "Switch")
    for node in uneven_bands(node for node in graph.nodes if node.name in graph.used):
        lower, upper = (_scalar(given.artifact, graph.by_name.get(name)) for name in node.inputs[1:3])
        if lower is None or upper is None or lower != upper:
            known = None not in (lower, upper) and node.name not in branches
            message = (
                f"{node.op} {show(node.name)} keeps {_width(lower)} diagonals below and {_width(upper)} above; "
                "TensorFlow.js takes the first width for both"
            )
            yield Finding("band-part", node.path, message, "error" if known else "warning")
    for node in graph.nodes:
        axis = (
            _scalar(given.artifact, graph.by_name.get(node.inputs[1]))
            if node.op in CUMULATIVE and len(node.inputs) > 1
            else None
        )
        if axis is not None and axis < 0 and node.name in graph.used:
            message = f"{node.op} {show(node.name)} along axis {axis}; TensorFlow.js counts axes from the front only"
            yield Finding("cumulative-axis", node.path, message, "warning" if node.name in branches else "error")


def _scalar(artifact: Artifact, node: Node | None) -> int | None:
    """The whole number that a constant holds; None where it is another kind of node, or has no such value."""
    weight = next((weight for weight in artifact.weights if node is not None and weight.name == node.name), None)
    if node is None or node.op != "Const" or weight is None or weight.size != 1 or weight.stored != "int32":
        return None
    data = artifact.data(weight)
    return int.from_bytes(data[:4], "little", signed=True) if data is not None else None


def _width(diagonals: int | None) -> str:
    return "an unknown number of" if diagonals is None else "all" if diagonals < 0 else str(diagonals)


DATAFLOW = Check(
    findings={
        "branch-constant": "a branch gives a constant: TensorFlow.js takes it whichever branch is taken",
        "lookup-flattened": "a look-up in a table loses the shape of its keys",
        "cumulative-axis": "a cumulative sum or product along an axis that is counted from the end",
        "band-part": "a band of a matrix, such as a causal mask, gets its lower width above the diagonal too",
    },
    formats=("graph",),
    run=check_dataflow,
)
