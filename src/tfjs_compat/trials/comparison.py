"""Whether TensorFlow.js predicts what Python predicted, and whether that comparison is informative. Pure.

An output agrees when shape and kind of dtype agree, NaN and infinities stand in the same places, and every other value
differs by no more than ``absolute + relative * scale``, where ``scale`` is the largest finite magnitude that Python
gave for this output. Integers, booleans and strings must be equal.

A comparison is informative only if the numbers could have come out otherwise: an output that is constant, all zero, not
finite, or the same for every row of the batch agrees with a broken model too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from tfjs_compat.artifact.tensors import Tensor
from tfjs_compat.outcomes.parity import OutputParity, Parity, Tolerance

_HALF_PRECISION_ULPS = 8
"""An output that Python computed in float16 is right only to its last bits: it may differ by that many of them."""

_MARGIN = 10.0
"""Rows, or the elements of a single row, must differ by that many tolerances for a comparison to be informative."""

TOLERANCES = {
    "": Tolerance(),
    "float16": Tolerance(relative=5e-3),
    "uint16": Tolerance(relative=1e-3),
    "uint8": Tolerance(relative=5e-2),
}
"""By how the weights are stored. A weight stored as uint8 is off by up to 1/510 of its tensor's range, as uint16 by
1/131070, as float16 by 2**-11 of itself; layers add such errors up."""


def compare(expected: Sequence[Tensor], actual: Sequence[Tensor], tolerance: Tolerance = Tolerance()) -> Parity:
    """Compare the outputs of a model, matched by name where the names of both sides are the same, else by order."""
    pairs = _paired(expected, actual)
    outputs = [_compare_output(wanted, got, tolerance) for wanted, got in pairs]
    surplus = len(actual) - sum(got is not None for _, got in pairs)
    disagreements = [f"output {row.name}: {row.disagreement}" for row in outputs if row.disagreement]
    if surplus > 0:
        disagreements.append(f"{surplus} output(s) more than expected")
    if not outputs:
        disagreements.append("the model has no outputs")
    informative = any(row.informative for row in outputs)
    reasons = "; ".join(f"output {row.name} {row.uninformative_reason}" for row in outputs) or "no outputs"
    return Parity(
        agrees=not disagreements,
        informative=informative,
        tolerance=tolerance,
        outputs=outputs,
        max_abs=_largest(row.max_abs for row in outputs),
        max_rel=_largest(row.max_rel for row in outputs),
        disagreement="; ".join(disagreements) or None,
        uninformative_reason=None if informative else reasons,
    )


def _paired(expected: Sequence[Tensor], actual: Sequence[Tensor]) -> list[tuple[Tensor, Tensor | None]]:
    named = {tensor.name: tensor for tensor in actual}
    if len(named) == len(actual) and named.keys() == {tensor.name for tensor in expected}:
        return [(tensor, named[tensor.name]) for tensor in expected]
    return [(tensor, actual[i] if i < len(actual) else None) for i, tensor in enumerate(expected)]


def _largest(values: Any) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _kind(values: npt.NDArray[Any]) -> str:
    kind = values.dtype.kind
    return {"f": "float", "i": "integer", "u": "integer", "b": "bool", "c": "complex"}.get(kind, "string")


def _compare_output(expected: Tensor, actual: Tensor | None, tolerance: Tolerance) -> OutputParity:
    wanted = expected.values
    allowed = _allowed(wanted, tolerance)
    reason = _uninformative_reason(wanted, allowed)
    row = OutputParity(
        name=expected.name,
        shape=list(wanted.shape),
        dtype=_dtype_name(wanted),
        agrees=False,
        informative=reason is None,
        allowed=allowed,
        uninformative_reason=reason,
    )
    if actual is None:
        return replace(row, disagreement="missing")
    got = actual.values
    row = replace(row, actual_shape=list(got.shape), actual_dtype=_dtype_name(got))
    if wanted.shape != got.shape:
        return replace(row, disagreement=f"shape {list(got.shape)} instead of {list(wanted.shape)}")
    if _kind(wanted) != _kind(got):
        return replace(row, disagreement=f"dtype {_dtype_name(got)} instead of {_dtype_name(wanted)}")
    if _kind(wanted) == "string":
        different = sum(_text(text) != _text(other) for text, other in zip(wanted.ravel(), got.ravel(), strict=True))
        disagreement = f"{different} of {wanted.size} strings differ" if different else None
        return replace(row, agrees=disagreement is None, disagreement=disagreement)
    return _compare_numbers(row, _wide(wanted), _wide(got), allowed)


def _compare_numbers(
    row: OutputParity, wanted: npt.NDArray[Any], got: npt.NDArray[Any], allowed: float
) -> OutputParity:
    finite = np.isfinite(wanted)
    same_places = bool(np.array_equal(wanted[~finite], got[~finite], equal_nan=True) and np.isfinite(got[finite]).all())
    both = finite & np.isfinite(got)
    with np.errstate(over="ignore"):
        difference = np.abs(got[both] - wanted[both])
    max_abs = float(difference.max()) if difference.size else None
    scale = _scale(wanted)
    max_rel = None if max_abs is None else (max_abs / scale if scale > 0 else (0.0 if max_abs == 0 else None))
    disagreements = []
    if not same_places:
        places, expected_places = int((~np.isfinite(got)).sum()), int((~finite).sum())
        disagreements.append(
            f"NaN or infinity in {places} places instead of {expected_places}"
            if places != expected_places
            else "NaN or infinity in other places, or of another sign"
        )
    if max_abs is not None and not max_abs <= allowed:
        outside = int((difference > allowed).sum())
        disagreements.append(
            f"{outside} of {wanted.size} values differ by up to {max_abs:.3g} (allowed: {allowed:.3g})"
        )
    return replace(
        row,
        agrees=not disagreements,
        max_abs=max_abs,
        max_rel=max_rel,
        nonfinite_agree=same_places,
        disagreement="; ".join(disagreements) or None,
    )


def _dtype_name(values: npt.NDArray[Any]) -> str:
    return "string" if _kind(values) == "string" else str(values.dtype.name)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _wide(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The numbers in a type that holds each of them and their differences."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _scale(values: npt.NDArray[Any]) -> float:
    magnitudes = np.abs(values)
    finite = magnitudes[np.isfinite(magnitudes)]
    return float(finite.max()) if finite.size else 0.0


def _allowed(wanted: npt.NDArray[Any], tolerance: Tolerance) -> float:
    kind = _kind(wanted)
    if kind not in ("float", "complex"):
        return 0.0
    relative = tolerance.relative
    if wanted.dtype == np.float16:
        relative = max(relative, _HALF_PRECISION_ULPS * float(np.finfo(np.float16).eps))
    return tolerance.absolute + relative * _scale(_wide(wanted))


def _uninformative_reason(wanted: npt.NDArray[Any], allowed: float) -> str | None:
    """Why a broken model could agree with this output as well, or None where it could not."""
    if wanted.size == 0:
        return "is empty"
    rows = wanted.reshape(wanted.shape[0], -1) if wanted.ndim and wanted.shape[0] > 1 else wanted.reshape(-1, 1)
    what = "is the same for every row of the batch" if wanted.ndim and wanted.shape[0] > 1 else "is constant"
    if _kind(wanted) == "string":
        first = [_text(text) for text in rows[0]]
        varies = any([_text(text) for text in row] != first for row in rows[1:])
        return None if varies else what
    numbers = _wide(rows)
    if wanted.size == 1 and numbers.all() and np.isfinite(numbers).all():
        return "is one round number" if numbers.flat[0] == np.round(numbers.flat[0]) else None
    if not np.isfinite(numbers).any():
        return "is NaN or infinite everywhere"
    if not numbers.any():
        return "is all zero"
    # A place that is not finite in some row says nothing about whether the rows differ.
    places = numbers[:, np.isfinite(numbers).all(axis=0)]
    if places.size == 0:
        return "has no place that is finite in every row of the batch"
    with np.errstate(over="ignore"):
        spread = float(np.abs(places - places[:1]).max())
    return None if spread > _MARGIN * allowed else what
