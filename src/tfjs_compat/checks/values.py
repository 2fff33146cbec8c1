"""Whether the values of the weights are numbers that a model can compute with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tfjs_compat.artifact.jsonpath import show
from tfjs_compat.checks.check import Check, CheckInput
from tfjs_compat.outcomes.failures import Finding

_FLOATS = {"float32": "<f4", "float16": "<f2"}
"""Stored dtypes that can hold NaN and infinity, as numpy calls them. Of a complex64 nothing is said."""


def check_values(given: CheckInput) -> Iterator[Finding]:
    """Warnings for weights that hold NaN or an infinity. Reads the bytes of every float weight, one at a time."""
    for weight in given.artifact.weights:
        dtype = _FLOATS.get(weight.stored)
        data = given.artifact.data(weight) if dtype is not None else None
        if data is None:
            continue
        bad = int(np.count_nonzero(~np.isfinite(np.frombuffer(data, dtype=dtype))))
        if bad:
            message = f"{show(weight.name)} holds NaN or infinity in {bad} of {weight.size} values"
            yield Finding("weights-not-finite", weight.path, message, "warning")


VALUES = Check(
    findings={"weights-not-finite": "a weight holds NaN or infinity"},
    formats=("layers", "graph"),
    run=check_values,
)
