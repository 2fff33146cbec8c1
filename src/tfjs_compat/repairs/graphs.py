"""Graphs that TensorFlow runs and TensorFlow.js does not: loops that wait for their own end, fused activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfjs_compat.artifact.loops import blocking_controls, stuck_loops
from tfjs_compat.artifact.nodes import Node, strings_in, unsupported_fusion
from tfjs_compat.artifact.widths import shapes_of_constants, widened_product
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.graph_edits import NODES, dtype_of, node_entry, put_in_place, readable_graph
from tfjs_compat.repairs.repair import Repair


def _stuck_loops(document: Document) -> Iterator[Edit]:
    graph = readable_graph(document)
    if graph is None:
        return
    dropped: dict[str, set[str]] = {}
    for loop in stuck_loops(graph.nodes, graph.by_name, graph.used):
        for name, controls in blocking_controls(loop, graph.nodes, graph.by_name).items():
            dropped.setdefault(name, set()).update(controls)
    for index, node in enumerate(graph.nodes):
        if node.name in dropped:
            kept = [source for source in node.inputs if source not in dropped[node.name]]
            yield Put(("modelTopology", "node", index, "input"), kept)


_ALONE = {"tanh": "Tanh", "softplus": "Softplus", "selu": "Selu"}
"""Activations that TensorFlow.js has as an op of one input, by their name in a fusion (lower case)."""


def _fusions(document: Document) -> Iterator[Edit]:
    """The activation becomes a node of its own, which gets the name, so that nothing else changes."""
    graph = readable_graph(document)
    if graph is None:
        return
    topology: Any = document["modelTopology"]
    end = len(graph.nodes)
    for index, node in enumerate(graph.nodes):
        op = _ALONE.get(unsupported_fusion(node) or "")
        fused: Any = node.attributes.get("fused_ops")
        inner = f"{node.name}/before_{op}"
        if op is None or not _is_pair(fused) or inner in graph.by_name:
            continue
        entry = topology["node"][index]
        words = {**fused, "list": {**fused["list"], "s": fused["list"]["s"][:1]}}
        rest = {**entry, "name": inner, "attr": {**node.attributes, "fused_ops": words}}
        yield Put((*NODES, index), node_entry(node.name, op, [inner], **dtype_of(node)))
        yield Put((*NODES, end), rest)
        end += 1


_FUSED = {"relu": "Relu", "relu6": "Relu6", "elu": "Elu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
"""Activations after an addition, by their name in a fusion (lower case)."""


def _widened_products(document: Document) -> Iterator[Edit]:
    """The product, the addition and what follows it as nodes of their own."""
    graph = readable_graph(document)
    if graph is None:
        return
    shapes = shapes_of_constants(document)
    found = [node for node in graph.nodes if widened_product(node, graph.by_name, shapes)]
    yield from put_in_place(graph, ((node, built) for node in found if (built := _apart(node))))


def _apart(node: Node) -> list[dict[str, Any]]:
    dtype = dtype_of(node)
    turned = {name: node.attributes[name] for name in ("transpose_a", "transpose_b") if name in node.attributes}
    product, total = f"{node.name}/product", f"{node.name}/sum"
    built = [
        node_entry(product, "MatMul", list(node.inputs[:2]), **dtype, **turned),
        node_entry(total, "AddV2", [product, node.inputs[2]], **dtype),
    ]
    for activation in strings_in(node.attributes.get("fused_ops"))[1:]:
        if activation.lower() not in _FUSED:
            return []
        built.append(node_entry(node.name, _FUSED[activation.lower()], [total], **dtype))
    built[-1]["name"] = node.name
    return built


def _is_pair(fused: object) -> bool:
    words = fused.get("list") if isinstance(fused, Mapping) else None
    return isinstance(words, Mapping) and isinstance(words.get("s"), list) and len(words["s"]) == 2


GRAPHS = (
    Repair(
        id="loop-control-inputs",
        title="the control inputs that keep a loop waiting for its own end are left out",
        cures=("graph-loop-stuck",),
        formats=("graph",),
        versions="Keras >= 3.0 and some layers of Keras 2 (recurrent layers), any tensorflowjs",
        find=_stuck_loops,
        links=("https://github.com/tensorflow/tfjs/issues/4350",),
    ),
    Repair(
        id="unfuse-activation",
        title="an activation that TensorFlow.js does not fuse becomes an operation of its own",
        cures=("unsupported-fusion",),
        formats=("graph",),
        versions="any Keras, where the converting machine's oneDNN fuses (TF_ENABLE_ONEDNN_OPTS=0 stops it)",
        find=_fusions,
    ),
    Repair(
        id="unfuse-addition",
        title="an addition that widens a product is done after it",
        cures=("unsupported-fusion",),
        formats=("graph",),
        versions="any Keras (a value plus advantages), where the converting machine's oneDNN fuses",
        find=_widened_products,
    ),
)
