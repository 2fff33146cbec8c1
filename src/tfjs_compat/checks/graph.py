"""What of a graph model (a SavedModel or frozen graph, converted) TensorFlow.js cannot run, or runs otherwise.

How TensorFlow.js runs them: tfjs-converter ``operations/operation_mapper.ts`` reads the nodes, and
``executor/graph_executor.ts`` runs those that the outputs need. An op that it does not know fails only when it is run,
so that a node off that way is a warning, and so is one that a branch or a function may never reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from tfjs_compat.artifact.complex_numbers import needs_real_numbers
from tfjs_compat.artifact.jsonpath import member_path, show, type_name, wrong_type
from tfjs_compat.artifact.loops import stuck_loops
from tfjs_compat.artifact.nodes import (
    Node,
    downstream_of,
    named_nodes,
    outputs_of,
    read_functions,
    read_nodes,
    signature_of,
    unsupported_fusion,
    upstream_of,
)
from tfjs_compat.artifact.reading import Artifact
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.artifact.widths import shapes_of_constants, widened_product
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding


def check_graph(given: CheckInput) -> Iterator[Finding]:
    """Operations, constants, signatures and loops that TensorFlow.js cannot run, or runs otherwise."""
    artifact, vocabulary = given.artifact, given.vocabulary
    path = "$.modelTopology"
    listed = artifact.topology.get("node")
    if not isinstance(listed, list):
        yield wrong_type(f"{path}.node", "a list of nodes", listed)
        return
    if not isinstance(artifact.topology.get("versions"), dict):
        message = "the graph has no `versions`, whose `producer` the loader reads"
        yield Finding("graph-without-versions", f"{path}.versions", message)
    findings: list[Finding] = []
    nodes = read_nodes(listed, f"{path}.node", findings)
    functions = read_functions(artifact.topology, f"{path}.library", findings)
    yield from findings
    by_name = {node.name: node for node in nodes}
    yield from _check_inputs(nodes, by_name)
    for arguments, body in functions:
        yield from _check_inputs(body, {node.name: node for node in body}, arguments)
    signature, signature_path = signature_of(artifact.document)
    yield from _check_signature(signature, signature_path, by_name)
    used = upstream_of(by_name, outputs_of(signature, nodes, by_name))
    branches = downstream_of(nodes, "Switch")
    for node in nodes:
        certain = node.name in used and node.name not in branches
        severity: Literal["error", "warning"] = "error" if certain else "warning"
        yield from _check_op(node, vocabulary, severity, node.name in used)
        yield from _check_numbers(node, by_name, severity)
    for _, body in functions:
        for node in body:
            yield from _check_op(node, vocabulary, "warning", True)
    initializer = artifact.document.get("modelInitializer")
    prepare = initializer.get("node") if isinstance(initializer, dict) else None
    for node in read_nodes(prepare if isinstance(prepare, list) else [], "$.modelInitializer.node", []):
        yield from _check_op(node, vocabulary, "warning", True)
    shapes = shapes_of_constants(artifact.document)
    for node in nodes:
        if node.name in used and widened_product(node, by_name, shapes):
            message = f"{node.op} {show(node.name)} adds what is wider than its product, which TensorFlow.js refuses"
            yield Finding("unsupported-fusion", f"{node.path}.attr.fused_ops", message)
    if artifact.complete:
        yield from _check_constants(artifact, nodes, used, functions)
    yield from _check_loops(nodes, by_name, used)


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
        yield Finding("graph-without-signature", path, f"expected an object, found {type_name(signature)}", "warning")
        return
    for key in ("inputs", "outputs"):
        entries = named_nodes(signature, key)
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
            yield Finding("signature-node-missing", f"{member_path(f'{path}.{key}', name)}.name", message, severity)


def _check_op(
    node: Node, vocabulary: Vocabulary, severity: Literal["error", "warning"], used: bool
) -> Iterator[Finding]:
    if node.op not in vocabulary.ops:
        where = "" if used else ", though no output needs it"
        message = f"Unknown op {show(node.op)} ({show(node.name)}) in TensorFlow.js {vocabulary.tfjs}{where}"
        # It has a name of its own, for there is a repair for it.
        yield Finding("erfc" if node.op == "Erfc" else "unsupported-ops", f"{node.path}.op", message, severity)
    elif node.op.startswith("FusedBatchNorm") and _true(node.attributes.get("is_training")):
        message = (
            f"{node.op} {show(node.name)} computes mean and variance from its input; TensorFlow.js takes those given"
        )
        yield Finding("graph-batch-norm-training", f"{node.path}.attr.is_training", message, severity)
    else:
        refused = unsupported_fusion(node)
        if refused is not None:
            message = f"{node.op} {show(node.name)} is fused with {show(refused)}, which TensorFlow.js has not"
            yield Finding("unsupported-fusion", f"{node.path}.attr.fused_ops", message, severity)


def _check_numbers(node: Node, by_name: Mapping[str, Node], severity: Literal["error", "warning"]) -> Iterator[Finding]:
    if needs_real_numbers(node, by_name):
        message = f"{node.op} {show(node.name)} is given complex numbers; TensorFlow.js has it for real ones only"
        yield Finding("complex-numbers", f"{node.path}.attr", message, severity)


def _true(attribute: object) -> bool:
    return isinstance(attribute, dict) and attribute.get("b") is True


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
    for loop in stuck_loops(nodes, by_name, used):
        first = loop.waiting[0]
        message = (
            f"{show(first.name)} waits, through control inputs, for what the loop of {show(loop.condition)} has "
            "only when it ends: it never gets past its first round (Cannot compute the outputs)"
        )
        yield Finding("graph-loop-stuck", f"{first.path}.input", message)


GRAPH = Check(
    findings={
        "graph-without-versions": "the graph has no versions, which the loader reads",
        "graph-without-signature": "the graph has no signature, or one without outputs",
        "graph-dangling-input": "a node takes its input from a node that is not there",
        "signature-node-missing": "the signature names a node that is not in the graph",
        "unsupported-ops": "an op is not known to TensorFlow.js",
        "erfc": "Erfc is not known to TensorFlow.js, which has Erf",
        "complex-numbers": "an op that TensorFlow.js has for real numbers only is given complex ones",
        "unsupported-fusion": "an op is fused with a function that TensorFlow.js does not fuse",
        "graph-batch-norm-training": (
            "a batch normalisation in training mode: TensorFlow.js uses other mean and variance"
        ),
        "graph-loop-stuck": "a loop waits, through control inputs, for its own end: executeAsync computes no outputs",
    },
    shared=("artifact-wrong-type", "weights-missing", "weights-unwanted"),
    formats=("graph",),
    run=check_graph,
)
