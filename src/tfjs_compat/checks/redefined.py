"""Functions that Keras 3 defines otherwise than Keras 2, as which TensorFlow.js computes them under the same name."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.layers import camel_case
from tfjs_compat.artifact.object_names import OBJECT_KEYS
from tfjs_compat.checks.check import Check, CheckInput, setting_finding
from tfjs_compat.outcomes.failures import Finding


def check_redefined(given: CheckInput) -> Iterator[Finding]:
    """Warnings for the ``hard_sigmoid`` of a model that says Keras 3 wrote it."""
    version = given.artifact.topology.get("keras_version")
    if not isinstance(version, str) or not version.startswith("3."):
        return
    for layer in given.layers():
        for key in OBJECT_KEYS.get(layer.class_name, ()):
            value = layer.config.get(key)
            if key.lower().endswith("activation") and isinstance(value, str) and camel_case(value) == "hardSigmoid":
                reason = "Keras 3 computes relu6(x + 3) / 6, TensorFlow.js 0.2 x + 0.5 between 0 and 1"
                yield setting_finding("activation-redefined", layer, key, reason, "warning")


REDEFINED = Check(
    findings={"activation-redefined": "an activation that Keras 3 defines otherwise than TensorFlow.js"},
    formats=("layers",),
    run=check_redefined,
)
