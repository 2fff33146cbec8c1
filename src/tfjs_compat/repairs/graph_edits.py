"""What repairs of graphs share: a graph that can be edited, where its nodes stand, what one looks like."""

from __future__ import annotations

from typing import Any

from tfjs_compat.artifact.nodes import Graph, read_graph
from tfjs_compat.repairs.edits import Document

NODES = ("modelTopology", "node")
"""The place of the list of nodes."""


def readable_graph(document: Document) -> Graph | None:
    """The graph of a document; None where anything of it is malformed, or two nodes have one name."""
    graph = read_graph(document)
    if graph is None or graph.findings or len(graph.by_name) != len(graph.nodes):
        return None
    return graph


def node_entry(name: str, op: str, inputs: list[str], **attributes: Any) -> dict[str, Any]:
    """A node as model.json holds it."""
    return {"name": name, "op": op, "input": inputs, "attr": attributes}
