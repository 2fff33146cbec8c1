"""What Keras 3 writes into a layers model and TensorFlow.js reads otherwise, or not at all.

TensorFlow.js understands the config of Keras 2. It trips over one of these after the other; here they come at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.jsonpath import show, type_name
from tfjs_compat.artifact.layers import Layer, inbound_nodes_of, is_mixed, label, member
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding


def check_keras3(given: CheckInput) -> Iterator[Finding]:
    """Shapes of inputs, wires and dtypes that TensorFlow.js cannot read, whichever Keras release wrote them."""
    # An input without its shape is what TensorFlow.js trips over first.
    for layer in given.layers():
        if layer.class_name == "InputLayer":
            yield from _check_input(layer)
    for layer in given.layers():
        if layer.is_model and layer.class_name in given.vocabulary.classes:
            yield from _check_nodes(layer)
            yield from _check_ends(layer, "inputLayers")
            yield from _check_ends(layer, "outputLayers")
    yield from _check_dtypes(given)


def _check_input(layer: Layer) -> Iterator[Finding]:
    if layer.config.get("batchInputShape") is not None or layer.config.get("inputShape") is not None:
        return
    if layer.config.get("batchShape") is not None:
        message = f"{label(layer)} has `batch_shape`, as Keras 3 writes it; TensorFlow.js reads `batch_input_shape`"
        yield Finding("keras3-batch-shape", layer.path_of("batchShape"), message)
    else:
        message = f"{label(layer)} has no `batch_input_shape`: An InputLayer should be passed one"
        yield Finding("input-without-shape", f"{layer.path}.config", message)


def _check_nodes(model: Layer) -> Iterator[Finding]:
    for layer in model.children:
        path, nodes = inbound_nodes_of(layer)
        if not isinstance(nodes, list):
            message = f"{label(layer)}: expected a list of nodes, found {type_name(nodes)}"
            yield Finding("wiring-malformed", path, message)
            continue
        for index, node in enumerate(nodes):
            if isinstance(node, list):
                continue
            if isinstance(node, dict) and "args" in node:
                message = f"{label(layer)} has nodes with `args`, as Keras 3 writes them: expected array for nodeData"
                yield Finding("keras3-inbound-nodes", f"{path}[{index}]", message)
            else:
                message = f"{label(layer)}: expected array for nodeData, found {type_name(node)}"
                yield Finding("wiring-malformed", f"{path}[{index}]", message)


def _check_ends(model: Layer, key: str) -> Iterator[Finding]:
    value = model.config.get(key)
    path = (
        model.path_of(key) if value is not None else f"{model.path}.config.{'in' if key[0] == 'i' else 'out'}put_layers"
    )
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            message = f"{show(value)} is one tensor, as Keras 3 writes it; TensorFlow.js wants a list of tensors"
            yield Finding("keras3-flat-io-layers", path, message)
        return
    named = " by name, as a model with a dictionary of inputs or outputs has them" if isinstance(value, dict) else ""
    message = f"expected a list of tensors, found {type_name(value)}{named}"
    yield Finding("io-layers-by-name" if isinstance(value, dict) else "wiring-malformed", path, message)


def _check_dtypes(given: CheckInput) -> Iterator[Finding]:
    """Dtypes that are objects: TensorFlow.js wants a string, and looks at the dtype in few places only."""
    policies: dict[tuple[str, bool], list[Layer]] = {}
    for layer in given.layers():
        dtype = layer.config.get("dtype")
        if not isinstance(dtype, dict):
            continue
        _, class_name = member(dtype, "className")
        shown = class_name if isinstance(class_name, str) else type_name(class_name)
        policies.setdefault((shown, is_mixed(dtype)), []).append(layer)
        shaped = layer.config.get("batchInputShape") is not None or layer.config.get("inputShape") is not None
        if layer.class_name == "Embedding" and shaped:
            message = f"{label(layer)} would make its weights of dtype {show(dtype)}, which is no string"
            yield Finding("keras3-dtype-policy", layer.path_of("dtype"), message)
    for (class_name, mixed), layers in policies.items():
        first = layers[0]
        count = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
        if class_name in ("Policy", "PolicyV1") or mixed:
            message = f"{label(first)}{count} computed in mixed precision; TensorFlow.js computes in float32"
            yield Finding("mixed-precision", first.path_of("dtype"), message, "warning")
        else:
            message = f"dtype of {label(first)}{count} is a {show(class_name)} object; TensorFlow.js wants a string"
            yield Finding("keras3-dtype-policy", first.path_of("dtype"), message, "warning")


KERAS3 = Check(
    findings={
        "keras3-batch-shape": "an InputLayer has batch_shape (Keras 3) and no batch_input_shape",
        "keras3-inbound-nodes": "inbound_nodes hold objects with args (Keras 3) and no lists",
        "keras3-flat-io-layers": "input_layers or output_layers is one tensor (Keras 3.11 on), not a list of tensors",
        "keras3-dtype-policy": "a dtype is an object (Keras 3) where TensorFlow.js wants a string",
        "mixed-precision": "the model computes in mixed precision in Keras and in float32 in TensorFlow.js",
        "input-without-shape": "an InputLayer has no shape at all",
        "io-layers-by-name": "inputs or outputs are a dictionary, which TensorFlow.js cannot iterate",
    },
    shared=("wiring-malformed",),
    formats=("layers",),
    run=check_keras3,
)
