"""Layers that compute with a mask in Keras and without it in TensorFlow.js."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.artifact.layers import label
from tfjs_compat.checks.check import Check, CheckInput, setting_finding
from tfjs_compat.outcomes.failures import Finding


def check_masks(given: CheckInput) -> Iterator[Finding]:
    """Warnings, where any layer of the model makes a mask: whether it reaches the layer is not worked out."""
    layers = list(given.layers())
    if not any(
        layer.class_name == "Masking" or (layer.class_name == "Embedding" and layer.is_set("maskZero"))
        for layer in layers
    ):
        return
    for layer in layers:
        if layer.class_name == "GlobalAveragePooling1D":
            message = f"{label(layer)} averages over masked steps too, where the model's mask reaches it"
            yield Finding("mask-ignored", layer.path, message, "warning")
        elif layer.is_set("zeroOutputForMask") and layer.is_set("returnSequences"):
            reason = "masked steps give the last output again and no zeros, where the model's mask reaches it"
            yield setting_finding("mask-ignored", layer, "zeroOutputForMask", reason, "warning")


MASKS = Check(
    findings={"mask-ignored": "a layer computes without the mask that another layer makes"},
    formats=("layers",),
    run=check_masks,
)
