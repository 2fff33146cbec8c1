"""Whether TensorFlow.js predicts what Python predicted, and whether that comparison is informative. Pure.

An output agrees when shape and kind of dtype agree, NaN and infinities stand in the same places, and every other value
differs by no more than ``floor + relative * scale``, where ``scale`` is the largest finite magnitude that Python gave
for this output and ``floor`` what rounding alone moves it by (``absolute`` where that is not known). Integers, booleans
and strings must be equal. What differs from itself in Python is not compared.

Logits, what an output's last softmax or sigmoid is given, are compared like an output where both sides have them: an
output that is the same for every row may rest on logits that are not.

A comparison is informative only if the numbers could have come out otherwise: an output that is constant, all zero, not
finite, or the same for every row of every batch agrees with a broken model too (`inside/tfjs_case/judgement.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from tfjs_compat.artifact.tensors import Tensor
from tfjs_compat.inside.tfjs_case.judgement import allowed_for, kind_of, scale_of, text_of, why_nothing, wide
from tfjs_compat.outcomes.parity import OutputParity, Parity, Tolerance

TOLERANCES = {
    "": Tolerance(),
    "float16": Tolerance(relative=5e-3),
    "uint16": Tolerance(relative=1e-3),
    "uint8": Tolerance(relative=5e-2),
}
"""By how the weights are stored. A weight stored as uint8 is off by up to 1/510 of its tensor's range, as uint16 by
1/131070, as float16 by 2**-11 of itself; layers add such errors up."""


def compare(expected: Sequence[Tensor], actual: Sequence[Tensor], tolerance: Tolerance = Tolerance()) -> Parity:
    """Compare the outputs of a model, batch by batch, matched by name where the names of both sides are the same, else
    by order; and the logits of those outputs of which both sides have them, by name."""
    logits = _compare_logits(expected, actual, tolerance)
    expected, actual = ([tensor for tensor in each if not tensor.logits] for each in (expected, actual))
    batches = sorted({tensor.batch for tensor in expected}) or [0]
    pairs = {batch: _paired(_of_batch(expected, batch), _of_batch(actual, batch)) for batch in batches}
    names = [wanted.name for wanted, _ in pairs[batches[0]]]
    outputs = [
        _compare_output([pairs[batch][place] for batch in batches if place < len(pairs[batch])], tolerance)
        for place in range(len(names))
    ]
    surplus = len(actual) - sum(got is not None for each in pairs.values() for _, got in each)
    disagreements = [f"output {row.name}: {row.disagreement}" for row in outputs if row.disagreement]
    disagreements += [f"logits of output {row.name}: {row.disagreement}" for row in logits if row.disagreement]
    if surplus > 0:
        disagreements.append(f"{surplus} output(s) more than expected")
    if not outputs:
        disagreements.append("the model has no outputs")
    informative = any(row.informative for row in (*outputs, *logits))
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
        comparisons=len(batches),
        logits=logits,
    )


def _compare_logits(expected: Sequence[Tensor], actual: Sequence[Tensor], tolerance: Tolerance) -> list[OutputParity]:
    got = {(tensor.name, tensor.batch): tensor for tensor in actual if tensor.logits}
    names = dict.fromkeys(tensor.name for tensor in expected if tensor.logits)
    pairs = {
        name: [(tensor, got.get((name, tensor.batch))) for tensor in expected if tensor.logits and tensor.name == name]
        for name in names
    }
    return [_compare_output(each, tolerance) for each in pairs.values() if all(other is not None for _, other in each)]


def _of_batch(tensors: Sequence[Tensor], batch: int) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.batch == batch]


def _paired(expected: Sequence[Tensor], actual: Sequence[Tensor]) -> list[tuple[Tensor, Tensor | None]]:
    named = {tensor.name: tensor for tensor in actual}
    if len(named) == len(actual) and named.keys() == {tensor.name for tensor in expected}:
        return [(tensor, named[tensor.name]) for tensor in expected]
    return [(tensor, actual[i] if i < len(actual) else None) for i, tensor in enumerate(expected)]


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _compare_output(pairs: Sequence[tuple[Tensor, Tensor | None]], tolerance: Tolerance) -> OutputParity:
    """One output over its batches: what disagrees first, and the largest differences."""
    rows = [_compare_batch(wanted, got, tolerance) for wanted, got in pairs]
    worst = next((row for row in rows if not row.agrees), rows[0])
    first = pairs[0][0]
    nothing = why_nothing([wanted.values for wanted, _ in pairs], rows[0].allowed)
    reason = "differs from itself in Python: it is not compared" if first.random else nothing and nothing.words
    disagreement = worst.disagreement
    if disagreement and worst is not rows[0]:
        disagreement = f"{disagreement}, in the batch of shape {worst.shape}"
    return replace(
        worst,
        shape=rows[0].shape,
        informative=reason is None,
        uninformative_reason=reason,
        disagreement=disagreement,
        max_abs=_largest(row.max_abs for row in rows),
        max_rel=_largest(row.max_rel for row in rows),
    )


def _compare_batch(expected: Tensor, actual: Tensor | None, tolerance: Tolerance) -> OutputParity:
    wanted = expected.values
    allowed = allowed_for(wanted, tolerance.absolute, tolerance.relative, expected.noise)
    row = OutputParity(
        name=expected.name,
        shape=list(wanted.shape),
        dtype=_dtype_name(wanted),
        agrees=False,
        informative=False,
        allowed=allowed,
    )
    if actual is None:
        return replace(row, disagreement="missing")
    got = actual.values
    row = replace(row, actual_shape=list(got.shape), actual_dtype=_dtype_name(got))
    if wanted.shape != got.shape:
        return replace(row, disagreement=f"shape {list(got.shape)} instead of {list(wanted.shape)}")
    if kind_of(wanted) != kind_of(got):
        return replace(row, disagreement=f"dtype {_dtype_name(got)} instead of {_dtype_name(wanted)}")
    if expected.random:
        return replace(row, agrees=True)
    if kind_of(wanted) == "string":
        different = sum(
            text_of(text) != text_of(other) for text, other in zip(wanted.ravel(), got.ravel(), strict=True)
        )
        disagreement = f"{different} of {wanted.size} strings differ" if different else None
        return replace(row, agrees=disagreement is None, disagreement=disagreement)
    return _compare_numbers(row, wide(wanted), wide(got), allowed)


def _compare_numbers(
    row: OutputParity, wanted: npt.NDArray[Any], got: npt.NDArray[Any], allowed: float
) -> OutputParity:
    finite = np.isfinite(wanted)
    same_places = bool(np.array_equal(wanted[~finite], got[~finite], equal_nan=True) and np.isfinite(got[finite]).all())
    both = finite & np.isfinite(got)
    with np.errstate(over="ignore"):
        difference = np.abs(got[both] - wanted[both])
    max_abs = float(difference.max()) if difference.size else None
    scale = scale_of(wanted)
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
    return "string" if kind_of(values) == "string" else str(values.dtype.name)
