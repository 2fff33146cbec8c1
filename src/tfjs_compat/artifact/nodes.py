"""The nodes of a graph model: which a prediction needs, which take something from which, what they are fused with.

How TensorFlow.js reads them: tfjs-converter ``operations/operation_mapper.ts`` and ``executor/graph_executor.ts``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tfjs_compat.artifact.jsonpath import wrong_type
from tfjs_compat.outcomes.failures import Finding


class Node(msgspec.Struct, frozen=True):
    """One node of the graph or of a function in its library."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    path: str

    @property
    def sources(self) -> list[str]:
        """Names of the nodes it takes something from, control inputs too."""
        return [name.removeprefix("^").split(":")[0] for name in self.inputs]


class Graph(msgspec.Struct, frozen=True):
    """The nodes of a graph model, those that its outputs need, and what is malformed."""

    nodes: tuple[Node, ...]
    by_name: Mapping[str, Node]
    used: frozenset[str]
    findings: tuple[Finding, ...]


def read_graph(document: Mapping[str, Any]) -> Graph | None:
    """The graph of a model.json; None where there is no list of nodes."""
    topology = document.get("modelTopology")
    listed = topology.get("node") if isinstance(topology, dict) else None
    if not isinstance(listed, list):
        return None
    findings: list[Finding] = []
    nodes = read_nodes(listed, "$.modelTopology.node", findings)
    by_name = {node.name: node for node in nodes}
    used = upstream_of(by_name, outputs_of(signature_of(document)[0], nodes, by_name))
    return Graph(tuple(nodes), by_name, used, tuple(findings))


def read_nodes(listed: Sequence[object], path: str, findings: list[Finding]) -> list[Node]:
    """The nodes of a list that can be read; what is wrong with the others is added to the findings."""
    nodes: list[Node] = []
    for index, entry in enumerate(listed):
        at = f"{path}[{index}]"
        if not isinstance(entry, dict):
            findings.append(wrong_type(at, "an object", entry))
            continue
        name, op, inputs, attributes = (entry.get(key) for key in ("name", "op", "input", "attr"))
        wrong = [
            wrong_type(f"{at}.{key}", "a string", value)
            for key, value in (("name", name), ("op", op))
            if not isinstance(value, str)
        ]
        if inputs is not None and not (isinstance(inputs, list) and all(isinstance(item, str) for item in inputs)):
            wrong.append(wrong_type(f"{at}.input", "a list of names", inputs))
        if attributes is not None and not isinstance(attributes, dict):
            wrong.append(wrong_type(f"{at}.attr", "an object", attributes))
        findings.extend(wrong)
        if not wrong and isinstance(name, str) and isinstance(op, str):
            nodes.append(Node(name, op, tuple(inputs or ()), attributes or {}, at))
    return nodes


def read_functions(
    topology: Mapping[str, Any], path: str, findings: list[Finding]
) -> list[tuple[frozenset[str], list[Node]]]:
    """The arguments and nodes of each function, which ``If`` and ``While`` run."""
    library = topology.get("library")
    if library is None:
        return []
    if not isinstance(library, dict):
        findings.append(wrong_type(path, "an object", library))
        return []
    listed = library.get("function")
    if listed is None:
        return []
    if not isinstance(listed, list):
        findings.append(wrong_type(f"{path}.function", "a list of functions", listed))
        return []
    functions: list[tuple[frozenset[str], list[Node]]] = []
    for index, function in enumerate(listed):
        at = f"{path}.function[{index}]"
        signature = function.get("signature") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(signature, dict):
            findings.append(wrong_type(at, "an object with a signature", function))
            continue
        arguments = signature.get("inputArg")
        names = frozenset(
            arg["name"].split(":")[0]
            for arg in (arguments if isinstance(arguments, list) else [])
            if isinstance(arg, dict) and isinstance(arg.get("name"), str)
        )
        body = function.get("nodeDef")
        if body is not None and not isinstance(body, list):
            findings.append(wrong_type(f"{at}.nodeDef", "a list of nodes", body))
            continue
        functions.append((names, read_nodes(body or [], f"{at}.nodeDef", findings)))
    return functions


def signature_of(document: Mapping[str, Any]) -> tuple[object, str]:
    """The signature that the loader uses, and where it stands: user metadata goes before the top level."""
    metadata = document.get("userDefinedMetadata")
    if isinstance(metadata, dict) and metadata.get("signature") is not None:
        return metadata["signature"], "$.userDefinedMetadata.signature"
    return document.get("signature"), "$.signature"


def named_nodes(signature: object, key: str) -> dict[str, str]:
    """Names in a signature and the nodes they stand for."""
    entries = signature.get(key) if isinstance(signature, dict) else None
    if not isinstance(entries, dict):
        return {}
    return {
        name: entry["name"].split(":")[0]
        for name, entry in entries.items()
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


def outputs_of(signature: object, nodes: Sequence[Node], by_name: Mapping[str, Node]) -> list[str]:
    """The nodes that a prediction computes: those of the signature, else those that nobody takes anything from."""
    named = list(named_nodes(signature, "outputs").values())
    if named:
        return [name for name in named if name in by_name]
    taken = {source for node in nodes for source in node.sources}
    return [node.name for node in nodes if node.name not in taken]


def upstream_of(by_name: Mapping[str, Node], outputs: Sequence[str]) -> frozenset[str]:
    """These nodes and all that they come from, by data or control inputs."""
    frontier, used = list(outputs), set(outputs)
    while frontier:
        for source in by_name[frontier.pop()].sources:
            if source in by_name and source not in used:
                used.add(source)
                frontier.append(source)
    return frozenset(used)


def downstream_of(nodes: Sequence[Node], op: str) -> frozenset[str]:
    """Nodes that get something from a node of this op, however far away."""
    children: dict[str, list[str]] = {}
    for node in nodes:
        for source in node.sources:
            children.setdefault(source, []).append(node.name)
    frontier = [node.name for node in nodes if node.op == op]
    behind: set[str] = set()
    while frontier:
        for child in children.get(frontier.pop(), ()):
            if child not in behind:
                behind.add(child)
                frontier.append(child)
    return frozenset(behind)


_FUSED = frozenset({"_FusedMatMul", "_FusedConv2D", "FusedDepthwiseConv2dNative"})
_FUSED_ACTIVATIONS = frozenset({"linear", "relu", "elu", "relu6", "prelu", "leakyrelu", "sigmoid"})
"""What ``applyActivation`` of the backends has, tfjs 4.17 to 4.22."""


CUMULATIVE = frozenset({"Cumsum", "Cumprod"})
"""Operations that TensorFlow.js computes along an axis from the front only (``cumsum`` of its backends)."""


def unsupported_fusion(node: Node) -> str | None:
    """What a node is fused with, in lower case, where TensorFlow.js does not fuse that."""
    if node.op not in _FUSED:
        return None
    fused = [word.lower() for word in strings_in(node.attributes.get("fused_ops"))]
    if node.op != "_FusedMatMul" and fused[:1] == ["fusedbatchnorm"]:
        return fused[0]
    return next((word for word in fused[1:2] if word not in _FUSED_ACTIVATIONS), None)


def strings_in(attribute: object) -> list[str]:
    """The values of a list of strings, which a graph as JSON holds in base64 or as lists of character codes."""
    values = attribute.get("list") if isinstance(attribute, dict) else None
    values = values.get("s") if isinstance(values, dict) else None
    found: list[str] = []
    for value in values if isinstance(values, list) else []:
        if not isinstance(value, str | list):
            # bytes() of a number is as many zeros.
            return []
        try:
            raw = base64.b64decode(value) if isinstance(value, str) else bytes(value)
        except (binascii.Error, ValueError, TypeError):
            return []
        found.append(raw.decode("utf-8", errors="replace"))
    return found
