"""Checks of graph models (SavedModel or frozen graph, converted).

How TensorFlow.js runs them: tfjs-converter ``operations/operation_mapper.ts`` reads the nodes, and
``executor/graph_executor.ts`` runs those that the outputs need. An op that it does not know fails only when it is run,
so that a node off that way is a warning, and so is one that a branch or a function may never reach.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from tfjs_compat.artifact import Artifact
from tfjs_compat.jsonpath import kind, show, step, wrong_type
from tfjs_compat.outcomes import Finding
from tfjs_compat.vocabulary import Vocabulary

_FUSED = frozenset({"_FusedMatMul", "_FusedConv2D", "FusedDepthwiseConv2dNative"})
_FUSED_ACTIVATIONS = frozenset({"linear", "relu", "elu", "relu6", "prelu", "leakyrelu", "sigmoid"})
"""What ``applyActivation`` of the backends has, tfjs 4.17 to 4.22."""


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


def check_graph(artifact: Artifact, vocabulary: Vocabulary) -> Iterator[Finding]:
    """The findings of a graph model."""
    path = "$.modelTopology"
    listed = artifact.topology.get("node")
    if not isinstance(listed, list):
        yield wrong_type(f"{path}.node", "a list of nodes", listed)
        return
    if not isinstance(artifact.topology.get("versions"), dict):
        message = "the graph has no `versions`, whose `producer` the loader reads"
        yield Finding("graph-without-versions", f"{path}.versions", message)
    findings: list[Finding] = []
    nodes = _nodes(listed, f"{path}.node", findings)
    functions = _functions(artifact.topology, f"{path}.library", findings)
    yield from findings
    by_name = {node.name: node for node in nodes}
    yield from _check_inputs(nodes, by_name)
    for arguments, body in functions:
        yield from _check_inputs(body, {node.name: node for node in body}, arguments)
    signature, signature_path = _signature(artifact)
    yield from _check_signature(signature, signature_path, by_name)
    used = _used(by_name, _outputs(signature, nodes, by_name))
    branches = _behind(nodes, "Switch")
    for node in nodes:
        certain = node.name in used and node.name not in branches
        yield from _check_op(node, vocabulary, "error" if certain else "warning", node.name in used)
    for _, body in functions:
        for node in body:
            yield from _check_op(node, vocabulary, "warning", True)
    initializer = artifact.document.get("modelInitializer")
    prepare = initializer.get("node") if isinstance(initializer, dict) else None
    for node in _nodes(prepare if isinstance(prepare, list) else [], "$.modelInitializer.node", []):
        yield from _check_op(node, vocabulary, "warning", True)
    if artifact.complete:
        yield from _check_constants(artifact, nodes, used, functions)
    yield from _check_loops(nodes, by_name, used)


# -------------------------------------------------------------------------------------------------------- reading


def _nodes(listed: Sequence[object], path: str, findings: list[Finding]) -> list[Node]:
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


def _functions(
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
        functions.append((names, _nodes(body or [], f"{at}.nodeDef", findings)))
    return functions


def _signature(artifact: Artifact) -> tuple[object, str]:
    """The signature that the loader uses, and where it stands: user metadata goes before the top level."""
    metadata = artifact.document.get("userDefinedMetadata")
    if isinstance(metadata, dict) and metadata.get("signature") is not None:
        return metadata["signature"], "$.userDefinedMetadata.signature"
    return artifact.document.get("signature"), "$.signature"


def _entries(signature: object, key: str) -> dict[str, str]:
    """Names in a signature and the nodes they stand for."""
    entries = signature.get(key) if isinstance(signature, dict) else None
    if not isinstance(entries, dict):
        return {}
    return {
        name: entry["name"].split(":")[0]
        for name, entry in entries.items()
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


def _outputs(signature: object, nodes: Sequence[Node], by_name: Mapping[str, Node]) -> list[str]:
    """The nodes that a prediction computes: those of the signature, else those that nobody takes anything from."""
    named = list(_entries(signature, "outputs").values())
    if named:
        return [name for name in named if name in by_name]
    taken = {source for node in nodes for source in node.sources}
    return [node.name for node in nodes if node.name not in taken]


def _used(by_name: Mapping[str, Node], outputs: Sequence[str]) -> frozenset[str]:
    frontier, used = list(outputs), set(outputs)
    while frontier:
        for source in by_name[frontier.pop()].sources:
            if source in by_name and source not in used:
                used.add(source)
                frontier.append(source)
    return frozenset(used)


def _behind(nodes: Sequence[Node], op: str) -> frozenset[str]:
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


# --------------------------------------------------------------------------------------------------------- checks


def _check_inputs(
    nodes: Sequence[Node], by_name: Mapping[str, Node], arguments: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    for node in nodes:
        for index, source in enumerate(node.sources):
            if source not in by_name and source not in arguments:
                message = f"{node.op} {show(node.name)} takes {show(node.inputs[index])}, which is not in the graph"
                yield Finding("graph-dangling-input", f"{node.path}.input[{index}]", message)


def _check_signature(signature: object, path: str, by_name: Mapping[str, Node]) -> Iterator[Finding]:
    if signature is None:
        message = "there is no signature: inputs and outputs are guessed, without the names they have in TensorFlow"
        yield Finding("graph-without-signature", path, message, "warning")
        return
    if not isinstance(signature, dict):
        yield Finding("graph-without-signature", path, f"expected an object, found {kind(signature)}", "warning")
        return
    for key in ("inputs", "outputs"):
        entries = _entries(signature, key)
        if not entries and key == "outputs":
            message = "the signature names no outputs: they are guessed"
            yield Finding("graph-without-signature", f"{path}.{key}", message, "warning")
        absent = {name: node for name, node in entries.items() if node not in by_name}
        # What is not in the graph is dropped without a word; nothing is left to compute if that is every output.
        severity: Literal["error", "warning"] = (
            "error" if key == "outputs" and len(absent) == len(entries) else "warning"
        )
        for name, node in absent.items():
            message = f"{key[:-1]} {show(name)} is the node {show(node)}, which is not in the graph"
            yield Finding("signature-node-missing", f"{step(f'{path}.{key}', name)}.name", message, severity)


def _check_op(
    node: Node, vocabulary: Vocabulary, severity: Literal["error", "warning"], used: bool
) -> Iterator[Finding]:
    if node.op not in vocabulary.ops:
        where = "" if used else ", though no output needs it"
        message = f"Unknown op {show(node.op)} ({show(node.name)}) in TensorFlow.js {vocabulary.tfjs}{where}"
        yield Finding("unsupported-ops", f"{node.path}.op", message, severity)
    elif node.op.startswith("FusedBatchNorm") and _true(node.attributes.get("is_training")):
        message = (
            f"{node.op} {show(node.name)} computes mean and variance from its input; TensorFlow.js takes those given"
        )
        yield Finding("graph-batch-norm-training", f"{node.path}.attr.is_training", message, severity)
    elif node.op in _FUSED:
        fused = [word.lower() for word in _strings(node.attributes.get("fused_ops"))]
        activations = [word for word in fused[1:2] if word not in _FUSED_ACTIVATIONS]
        if node.op != "_FusedMatMul" and fused[:1] == ["fusedbatchnorm"]:
            activations = ["fusedbatchnorm"]
        if activations:
            message = f"{node.op} {show(node.name)} is fused with {show(activations[0])}, which TensorFlow.js has not"
            yield Finding("unsupported-fusion", f"{node.path}.attr.fused_ops", message, severity)


def _true(attribute: object) -> bool:
    return isinstance(attribute, dict) and attribute.get("b") is True


def _strings(attribute: object) -> list[str]:
    """The values of a list of strings, which a graph as JSON holds in base64 or as lists of character codes."""
    values = attribute.get("list") if isinstance(attribute, dict) else None
    values = values.get("s") if isinstance(values, dict) else None
    found: list[str] = []
    for value in values if isinstance(values, list) else []:
        try:
            raw = base64.b64decode(value) if isinstance(value, str) else bytes(value)
        except (binascii.Error, ValueError, TypeError):
            return []
        found.append(raw.decode("utf-8", errors="replace"))
    return found


def _check_constants(
    artifact: Artifact,
    nodes: Sequence[Node],
    used: frozenset[str],
    functions: Sequence[tuple[frozenset[str], list[Node]]],
) -> Iterator[Finding]:
    """Constants get their values by name; one that has none leaves what depends on it uncomputed."""
    given = {weight.name for weight in artifact.weights}
    for node in nodes:
        if node.op == "Const" and node.name not in given:
            severity: Literal["error", "warning"] = "error" if node.name in used else "warning"
            message = f"the constant {show(node.name)} has no values in the weight files"
            yield Finding("weights-missing", node.path, message, severity)
    known = {node.name for node in nodes} | {node.name for _, body in functions for node in body}
    known |= _initializer_names(artifact)
    for weight in artifact.weights:
        if weight.name not in known:
            message = f"no node has the name of the weight {show(weight.name)}: it is never used"
            yield Finding("weights-unwanted", f"{weight.path}.name", message, "warning")


def _initializer_names(artifact: Artifact) -> set[str]:
    initializer = artifact.document.get("modelInitializer")
    nodes = initializer.get("node") if isinstance(initializer, dict) else None
    listed = nodes if isinstance(nodes, list) else []
    return {node["name"] for node in listed if isinstance(node, dict) and isinstance(node.get("name"), str)}


def _check_loops(nodes: Sequence[Node], by_name: Mapping[str, Node], used: frozenset[str]) -> Iterator[Finding]:
    """Loops that stop in their first round: ``executeAsync`` then ends with ``Cannot compute the outputs``.

    ``Switch`` has nothing at its output 0 as long as its loop goes on, and the executor runs a node only when each of
    its inputs has a value in this round, control inputs too, which always mean output 0 (``processChildNodes``). So
    nothing that hangs on output 0 of a loop's Switch can run before the loop is over, and a ``NextIteration`` among it
    keeps the loop from going on. TensorFlow runs such graphs, for there ``^Switch`` waits for the node and not for an
    output; grappler writes them when it gathers control inputs in a ``NoOp``.
    """
    children: dict[str, list[tuple[str, bool]]] = {}
    for node in nodes:
        for source, name in zip(node.sources, node.inputs, strict=True):
            first = name.startswith("^") or ":" not in name or name.endswith(":0")
            children.setdefault(source, []).append((node.name, first))
    loops: dict[str, list[Node]] = {}
    for node in nodes:
        if node.op == "Switch" and node.name in used and len(node.sources) > 1:
            condition = by_name.get(node.sources[1])
            if condition is not None and condition.op == "LoopCond":
                loops.setdefault(condition.name, []).append(node)
    for condition_name, switches in loops.items():
        late = _late(switches, children, by_name)
        deciding = _used(by_name, [condition_name])
        for switch in switches:
            merge = by_name.get(switch.sources[0])
            if merge is None or merge.op != "Merge":
                continue
            leaves = [
                name for name, first in children[switch.name] if first and by_name[name].op == "Exit" and name in used
            ]
            if merge.name not in deciding and not leaves:
                continue  # a round of nothing but this variable would not be missed
            stuck = [name for name in merge.sources if name in late and by_name[name].op == "NextIteration"]
            if stuck:
                message = (
                    f"{show(stuck[0])} waits, through control inputs, for what the loop of {show(condition_name)} has "
                    "only when it ends: it never gets past its first round (Cannot compute the outputs)"
                )
                yield Finding("graph-loop-stuck", f"{by_name[stuck[0]].path}.input", message)
                break


def _late(
    switches: Sequence[Node], children: Mapping[str, Sequence[tuple[str, bool]]], by_name: Mapping[str, Node]
) -> frozenset[str]:
    """The nodes that cannot run before a loop is over. A ``Merge`` needs one of its inputs only: it is none of them."""
    frontier = [name for switch in switches for name, first in children.get(switch.name, ()) if first]
    late: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name not in late and by_name[name].op != "Merge":
            late.add(name)
            frontier.extend(child for child, _ in children.get(name, ()))
    return frozenset(late)
