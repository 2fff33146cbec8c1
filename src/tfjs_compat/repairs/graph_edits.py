"""What repairs of graphs share: a graph that can be edited, where its nodes stand, what one looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfjs_compat.artifact.nodes import Graph, Node, read_graph
from tfjs_compat.repairs.edits import Document, Edit, Put

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


def dtype_of(node: Node) -> dict[str, Any]:
    """The attribute ``T`` of a node, for nodes that compute in its dtype; none where it does not say it."""
    return {"T": node.attributes["T"]} if "T" in node.attributes else {}


class Built:
    """Nodes that take the place of one: ``nodes``, of which the last has its name, the others names below it."""

    def __init__(self, node: Node) -> None:
        self.name, self.nodes = node.name, list[dict[str, Any]]()

    def add(self, part: str, op: str, *inputs: str, **attributes: Any) -> str:
        """One more node; its name."""
        name = f"{self.name}/{part}"
        self.nodes.append(node_entry(name, op, list(inputs), **attributes))
        return name

    def end(self, op: str, *inputs: str, **attributes: Any) -> list[dict[str, Any]]:
        """The nodes, with the one that has the name of what they replace."""
        return [*self.nodes, node_entry(self.name, op, list(inputs), **attributes)]


def put_in_place(graph: Graph, replacements: Iterable[tuple[Node, list[dict[str, Any]]]]) -> Iterator[Edit]:
    """Edits that put nodes in the place of one: the last of them, which has its name, where it stood, the others at the
    end. Where one of those has a name that is taken, the node stays as it is."""
    places = {node.name: index for index, node in enumerate(graph.nodes)}
    end = len(graph.nodes)
    for node, built in replacements:
        if any(entry["name"] in graph.by_name for entry in built[:-1]):
            continue
        yield Put((*NODES, places[node.name]), built[-1])
        for entry in built[:-1]:
            yield Put((*NODES, end), entry)
            end += 1
