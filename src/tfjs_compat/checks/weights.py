"""Whether an artifact has the weights that TensorFlow.js looks for, in the right shape and dtype.

``Container.loadWeights`` gives a weight to the variable of its name; else to that of its shortened name
(``lstm/lstm_cell/kernel`` is ``lstm/kernel``); else it throws. Then every variable must have got one.
"""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.jsonpath import amount, show
from tfjs_compat.artifact.layers import label
from tfjs_compat.artifact.manifest import Weight
from tfjs_compat.artifact.variables import ModelVariables, Variable, is_numbered_name, shortened_name, variables_of
from tfjs_compat.artifact.wiring import is_tensor_name
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding


def check_weights(given: CheckInput) -> Iterator[Finding]:
    """Weights that are missing, that no layer reads, or of another shape or dtype than their layer makes.

    Nothing where a layer could not be read: the weights of that layer would count as unwanted.
    """
    artifact = given.artifact
    if given.root is None or not given.all_layers_read:
        return
    wants = variables_of(given.root, given.vocabulary)
    for want in wants.known:
        if want.layer.wrapped and not is_tensor_name(want.name) and is_tensor_name(want.name.split("/")[0]):
            yield Finding(
                "layer-name-invalid", want.layer.path_of("name"), f"Not a valid tensor name: {show(want.name)}"
            )
    # The last of several weights of one name is the one that counts.
    weights = {weight.name: weight for weight in artifact.weights if not weight.optimizer}
    if not artifact.complete or (weights and is_numbered_name(next(iter(weights)))):
        return
    open_wants: dict[str, Variable] = {}
    for want in wants.known:
        if want.name in open_wants:
            message = f"{label(open_wants[want.name].layer)} and {label(want.layer)} both want {show(want.name)}"
            yield Finding("weights-ambiguous", f"{want.layer.path}.config.name", message)
        open_wants[want.name] = want
    prefixed: set[str] = set()
    for name, weight in weights.items():
        want_name = name if name in open_wants else shortened_name(name)
        if want_name in open_wants:
            yield from _check_fit(weight, open_wants.pop(want_name))
        else:
            yield from _unwanted(weight, wants, prefixed)
    for name, want in open_wants.items():
        if name not in prefixed:
            message = f"{label(want.layer)} wants a weight {show(name)}, which the artifact does not have"
            yield Finding("weights-missing", want.layer.path, message)


def _unwanted(weight: Weight, wants: ModelVariables, prefixed: set[str]) -> Iterator[Finding]:
    parts = weight.name.split("/")
    names = {want.name for want in wants.known}
    for start in range(1, len(parts)):
        rest = "/".join(parts[start:])
        match = rest if rest in names else shortened_name(rest)
        if match in names and "/" in match:
            prefixed.add(match)
            prefix = "/".join(parts[:start])
            message = f"{show(weight.name)} is {show(match)} with {show(prefix)} in front: no target variable"
            yield Finding("keras3-weight-prefix", f"{weight.path}.name", message)
            return
    if "" in wants.unknown or not wants.unknown.isdisjoint(parts):
        return
    message = f"Provided weight data has no target variable: {show(weight.name)}"
    yield Finding("weights-unwanted", f"{weight.path}.name", message)


def _check_fit(weight: Weight, want: Variable) -> Iterator[Finding]:
    shape = want.shape
    if shape is not None and (
        len(shape) != len(weight.shape)
        or any(size is not None and size != got for size, got in zip(shape, weight.shape, strict=True))
    ):
        expected = ", ".join("?" if size is None else amount(size) for size in shape)
        message = f"{show(weight.name)} has shape {show(list(weight.shape))}, {label(want.layer)} makes [{expected}]"
        yield Finding("weights-shape", f"{weight.path}.shape", message)
    if want.dtype is not None and weight.dtype != want.dtype:
        message = f"{show(weight.name)} is {weight.dtype}, {label(want.layer)} holds {want.dtype}"
        yield Finding("weights-dtype", f"{weight.path}.dtype", message)


WEIGHTS = Check(
    findings={
        "weights-missing": "a variable or constant has no weight in the artifact",
        "weights-unwanted": "a weight has no variable or constant",
        "weights-ambiguous": "two layers want one weight",
        "weights-shape": "a weight has another shape than its layer makes",
        "weights-dtype": "a weight has another dtype than its layer holds",
        "keras3-weight-prefix": "a weight's name has the model's name in front (Keras 3.3 and later)",
    },
    shared=("layer-name-invalid",),
    formats=("layers",),
    run=check_weights,
)
