"""What of a graph model TensorFlow.js runs with other values than TensorFlow: branches, look-ups, Erfc."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tfjs_compat.artifact.branches import branch_constants
from tfjs_compat.artifact.jsonpath import show
from tfjs_compat.artifact.lookups import flattened_lookups
from tfjs_compat.artifact.nodes import read_graph
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding


def check_dataflow(given: CheckInput) -> Iterator[Finding]:
    """Constants of branches and flattened look-ups that an output needs."""
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


DATAFLOW = Check(
    findings={
        "branch-constant": "a branch gives a constant: TensorFlow.js takes it whichever branch is taken",
        "lookup-flattened": "a look-up in a table loses the shape of its keys",
    },
    formats=("graph",),
    run=check_dataflow,
)
