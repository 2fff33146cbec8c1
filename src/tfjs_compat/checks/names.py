"""Names that a layers model uses and that the TensorFlow.js in use does not register.

Which names exist comes from the bundle; only *where TensorFlow.js looks for one* stands here, because a name in a place
that it never reads harms nobody (tfjs-layers 4.17 to 4.22, constructors under ``layers/``).
"""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.jsonpath import show
from tfjs_compat.artifact.layers import Layer, camel_case, label, member
from tfjs_compat.artifact.object_names import OBJECT_KEYS, SHORT_NAMES, object_class
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding

_WORDS = {"distribution": ("normal", "uniform", "truncatedNormal"), "mode": ("fanIn", "fanOut", "fanAvg")}


def check_names(given: CheckInput) -> Iterator[Finding]:
    """Layers, and the functions and objects in their configs, that TensorFlow.js cannot make."""
    vocabulary = given.vocabulary
    for layer in given.layers():
        if layer.class_name not in vocabulary.classes:
            raw, _ = member(layer.entry, "className")
            message = f"Unknown layer: {label(layer)} is not registered in TensorFlow.js {vocabulary.tfjs}"
            yield Finding("unknown-layer", f"{layer.path}.{raw}", message)
            continue
        for key in OBJECT_KEYS.get(layer.class_name, ()):
            value = layer.config.get(key)
            if value is None or (key.endswith("Initializer") and not value):
                continue  # a default takes its place
            yield from _check_object(layer, key, value, vocabulary)


def _check_object(layer: Layer, key: str, value: object, vocabulary: Vocabulary) -> Iterator[Finding]:
    kind = next((kind for kind in SHORT_NAMES if key.lower().endswith(kind)), "activation")
    path = layer.path_of(key)
    name = object_class(kind, value)
    if name is None:
        message = f"{label(layer)}: {kind} {show(value)} has no class name and config that TensorFlow.js could read"
        yield Finding("object-malformed", path, message)
    elif name not in vocabulary.classes:
        message = f"Unknown {kind}: {name} of {label(layer)} is not registered in TensorFlow.js {vocabulary.tfjs}"
        if name == "function":
            message += f"; it is the Python function {show(value.get('config') if isinstance(value, dict) else value)}"
        yield Finding("unknown-layer", path, message)
    elif name == "VarianceScaling" and isinstance(value, dict) and isinstance(value["config"], dict):
        for word, known in _WORDS.items():
            given = value["config"].get(word)
            if isinstance(given, str) and camel_case(given) not in known:
                message = (
                    f"{label(layer)}: VarianceScaling with {word} {show(given)}; TensorFlow.js has {', '.join(known)}"
                )
                yield Finding("unsupported-setting", f"{path}.config.{word}", message)


NAMES = Check(
    findings={
        "unknown-layer": (
            "a layer, activation, initializer, regularizer or constraint is not registered in TensorFlow.js"
        ),
        "object-malformed": "an activation, initializer, regularizer or constraint has no class name and config",
    },
    shared=("unsupported-setting",),
    formats=("layers",),
    run=check_names,
)
