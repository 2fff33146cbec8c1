"""What agreement on an output would prove, by the outputs of the Python model alone.

The one rule for both halves: the Python half chooses inputs by it, the comparison judges by it. Python >= 3.8 and
numpy; imports nothing else.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional

import numpy as np

HALF_PRECISION_ULPS = 8
"""An output that Python computed in float16 is right only to its last bits: it may differ by that many of them."""

MARGIN = 10.0
"""Rows, or the elements of a single row, must differ by that many tolerances for a comparison to be informative."""

ALIKE = 1e-2
"""Rows that differ by more, of their scale, are not the same: weights that are stored in few bits may differ by so much
that they prove nothing all the same."""

SATURATED = 1e-6
"""How near to 0 and 1 all values of a softmax or a sigmoid are, where no change of a weight shows in them."""

NOISE_TIMES = 8.0
"""So many times what rounding alone was seen to move an output by, TensorFlow.js may differ. It rounds elsewhere."""


class Nothing(NamedTuple):
    """Why agreement on an output proves nothing: ``kind`` is a value of outcomes.reference.NoProof."""

    kind: str
    words: str


def kind_of(values: Any) -> str:
    return {"f": "float", "i": "integer", "u": "integer", "b": "bool", "c": "complex"}.get(values.dtype.kind, "string")


def wide(values: Any) -> Any:
    """The numbers in a type that holds each of them and their differences."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def text_of(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def scale_of(values: Any) -> float:
    """The largest finite magnitude, 0 where there is none."""
    magnitudes = np.abs(values)
    finite = magnitudes[np.isfinite(magnitudes)]
    return float(finite.max()) if finite.size else 0.0


def allowed_for(values: Any, absolute: float, relative: float, noise: Optional[float] = None) -> float:
    """What an output may differ by, in its own unit; 0 for what is not floating point.

    ``noise`` is how far rounding alone moves it: then its own scale decides, however small. Where that is not known,
    ``absolute`` stands for it.
    """
    if kind_of(values) not in ("float", "complex"):
        return 0.0
    if values.dtype == np.float16:
        relative = max(relative, HALF_PRECISION_ULPS * float(np.finfo(np.float16).eps))
    scale = scale_of(wide(values))
    floor = absolute if noise is None or scale == 0.0 else NOISE_TIMES * noise
    return floor + relative * scale


def why_nothing(batches: List[Any], allowed: float) -> Optional[Nothing]:
    """Why a broken model could agree as well with an output, given for each batch; None where it could not.

    ``allowed`` is what the output of the first batch may differ by. Rows that are all the same prove nothing, however
    uneven the row; a single row is only judged by itself where no other batch has another.
    """
    first = batches[0]
    reason = _alone(first, allowed)
    if _differ(batches, allowed):
        return None
    alone = not (first.ndim and first.shape[0] > 1)
    if reason is None and alone and any(values.shape == first.shape for values in batches[1:]):
        return Nothing("constant", "is the same for every batch")
    return reason


def _differ(batches: List[Any], allowed: float) -> bool:
    """Whether a row of one batch differs from a row of another of the same size."""
    rows = [_rows(values) for values in batches if values.size]
    for other in rows[1:]:
        if other.shape[1:] != rows[0].shape[1:]:
            continue
        if kind_of(other) == "string":
            if [text_of(text) for text in other[0]] != [text_of(text) for text in rows[0][0]]:
                return True
        else:
            first, second = wide(rows[0][0]), wide(other[0])
            both = np.isfinite(first) & np.isfinite(second)
            if both.any() and float(np.abs(first[both] - second[both]).max()) > MARGIN * allowed:
                return True
    return False


def _rows(values: Any) -> Any:
    return values.reshape(values.shape[0], -1) if values.ndim and values.shape[0] else values.reshape(1, -1)


def _alone(values: Any, allowed: float) -> Optional[Nothing]:
    if values.size == 0:
        return Nothing("empty", "is empty")
    several = values.ndim > 0 and values.shape[0] > 1
    rows = _rows(values) if several else values.reshape(-1, 1)
    constant = Nothing("constant", "is the same for every row of the batch" if several else "is constant")
    if kind_of(values) == "string":
        first = [text_of(text) for text in rows[0]]
        return None if any([text_of(text) for text in row] != first for row in rows[1:]) else constant
    numbers = wide(rows)
    if values.size == 1 and numbers.all() and np.isfinite(numbers).all():
        is_round = numbers.flat[0] == np.round(numbers.flat[0])
        return Nothing("constant", "is one round number") if is_round else None
    if not np.isfinite(numbers).any():
        return Nothing("not-finite", "is NaN or infinite everywhere")
    if not numbers.any():
        return Nothing("zero", "is all zero")
    # A place that is not finite in some row says nothing about whether the rows differ.
    places = numbers[:, np.isfinite(numbers).all(axis=0)]
    if places.size == 0:
        return Nothing("not-finite", "has no place that is finite in every row of the batch")
    with np.errstate(over="ignore"):
        spread = float(np.abs(places - places[:1]).max())
    if spread > MARGIN * allowed:
        return None
    if (how := _saturated(values)) is not None:
        return Nothing("saturated", "%s: saturated, %s" % (constant.words, how))
    if spread > ALIKE * scale_of(numbers):
        between = "from row to row" if several else "within itself"
        return Nothing("constant", "differs by %.2g %s, and may differ by %.2g" % (spread, between, allowed))
    return constant


def _saturated(values: Any) -> Optional[str]:
    """How an output is at its ends: a softmax of one class, sigmoids that are all 0 or 1. None where it is not."""
    if kind_of(values) != "float" or not values.ndim or not np.isfinite(values).all():
        return None
    numbers = wide(values)
    at_ends = bool((np.minimum(np.abs(numbers), np.abs(numbers - 1.0)) <= SATURATED).all())
    if not at_ends or not (numbers > 0.5).any():
        return None
    softmax = values.shape[-1] > 1 and bool((np.abs(numbers.sum(axis=-1) - 1.0) <= 1e-3).all())
    return "a softmax that gives one class all" if softmax else "all its values are 0 or 1"
