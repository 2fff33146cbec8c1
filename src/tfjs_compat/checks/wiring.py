"""Whether the layers of a model can be connected: plays ``Container.fromConfig`` and ``Sequential.add`` through.

``Container.fromConfig`` puts every node whose inputs are not there yet back into its queue, with no end: a node that
names a layer that does not exist makes TensorFlow.js spin for ever, without a message.
"""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.jsonpath import show
from tfjs_compat.artifact.layers import Layer, inbound_nodes_of, label
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.artifact.wiring import initial_node_count, inputs_of_nodes, is_tensor_name
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding


def check_wiring(given: CheckInput) -> Iterator[Finding]:
    """Roots that are no model, models that cannot be put together, names that cannot be used."""
    root, vocabulary = given.root, given.vocabulary
    if root is not None and root.class_name in vocabulary.classes and not root.is_container:
        yield Finding("root-not-a-model", root.path, f"the topology is a {label(root)}, not a model")
    for layer in given.layers():
        if layer.class_name not in vocabulary.classes or not layer.is_container:
            continue
        yield from _check_layer_names(layer)
        if layer.is_sequential:
            yield from _check_first(layer)
        else:
            yield from _check_reachable(layer, vocabulary)
            yield from _check_inputs(layer)


def _check_layer_names(model: Layer) -> Iterator[Finding]:
    seen: set[str] = set()
    for layer in model.children:
        if layer.name and not is_tensor_name(layer.name):  # the name of its output, too
            message = f"Not a valid tensor name: {show(layer.name)} of {label(layer)}"
            yield Finding("layer-name-invalid", layer.path_of("name"), message)
        if layer.name and layer.name in seen:
            message = f"the name {show(layer.name)} is used twice in {label(model)}; layer names should be unique"
            yield Finding("layer-name-duplicate", layer.path_of("name"), message)
        seen.add(layer.name)


def _check_first(model: Layer) -> Iterator[Finding]:
    if not model.children:
        return
    first = model.children[0]
    if first.is_container or first.class_name in ("InputLayer", "Embedding"):
        return
    given = [key for key in ("batchInputShape", "inputShape", "inputDim") if first.config.get(key) is not None]
    if not given or (given == ["inputDim"] and first.class_name != "Dense"):
        message = f"{label(first)}, the first of {label(model)}, has no `batch_input_shape` and follows no InputLayer"
        yield Finding("sequential-without-shape", f"{first.path}.config", message)


def _check_reachable(model: Layer, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Adds nodes as long as any can be added; what is left never can."""
    wires = {layer.name: inputs_of_nodes(inbound_nodes_of(layer)[1]) for layer in model.children}
    if len(wires) != len(model.children) or any(nodes is None for nodes in wires.values()):
        return  # found by others
    ready = {layer.name: initial_node_count(layer, vocabulary) for layer in model.children}
    waiting = [(layer, index, node) for layer in model.children for index, node in enumerate(wires[layer.name] or [])]
    while True:
        left = []
        for layer, index, node in waiting:
            if not all(name in ready and ready[name] > at for name, at in node):
                left.append((layer, index, node))
            elif node:  # one without inputs is dropped, not made
                ready[layer.name] += 1
        if len(left) == len(waiting):
            break
        waiting = left
    for layer, _, _ in waiting:
        ready[layer.name] += 1  # what it would have if the others came
    endless = [
        (layer, index, f"layer {show(name)}, which never has node {at}")
        for layer, index, node in waiting
        for name, at in node
        if ready.get(name, 0) <= at
    ]
    if waiting and not endless:
        endless = [(layer, index, "a layer that waits for it") for layer, index, _ in waiting[:1]]
    for layer, index, what in endless:
        path = f"{inbound_nodes_of(layer)[0]}[{index}]"
        yield Finding("wiring-endless", path, f"{label(layer)} waits for {what}: TensorFlow.js never returns")


def _check_inputs(model: Layer) -> Iterator[Finding]:
    by_name = {layer.name: layer for layer in model.children}
    for key in ("inputLayers", "outputLayers"):
        tensors = model.config.get(key)
        if not isinstance(tensors, list) or (tensors and isinstance(tensors[0], str)):
            continue
        for index, tensor in enumerate(tensors):
            path = f"{model.path_of(key)}[{index}]"
            if not isinstance(tensor, list) or not tensor or not isinstance(tensor[0], str):
                yield Finding("wiring-malformed", path, f"expected [layer, node, tensor], found {show(tensor)}")
            elif tensor[0] not in by_name:
                yield Finding("wiring-malformed", path, f"there is no layer {show(tensor[0])} in {label(model)}")
            elif key == "inputLayers" and by_name[tensor[0]].class_name != "InputLayer":
                message = f"{label(by_name[tensor[0]])} is an input of {label(model)} and no InputLayer"
                yield Finding("wiring-malformed", path, message)


WIRING = Check(
    findings={
        "root-not-a-model": "the topology is a single layer",
        "layer-name-invalid": "a layer's name cannot be that of a tensor: a letter or digit, then those and -._/",
        "layer-name-duplicate": "two layers of one model have one name",
        "sequential-without-shape": "a Sequential model starts with a layer that has no input shape",
        "wiring-malformed": "inbound_nodes, input_layers or output_layers hold what cannot be read",
        "wiring-endless": "a layer waits for a node that never comes: loading never ends",
    },
    formats=("layers",),
    run=check_wiring,
)
