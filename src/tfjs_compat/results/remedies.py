"""The result of running the remedies of a failing case."""

from __future__ import annotations

import msgspec

from tfjs_compat.matrix.axes import Combination


class Step(msgspec.Struct, frozen=True):
    """One remedy that was applied: for which issue (empty: none was known), which, and what it changed, in words."""

    issue: str
    remedy: str
    changes: tuple[str, ...]


class RemedyResult(msgspec.Struct, frozen=True):
    """The result of running the remedies of a failing case.

    ``works``: the ``steps``, one after another, led to a case that works: ``case``, with its combination and route and
    ``max_abs``, the largest absolute difference of its predictions. ``trials``: how many changed cases were run.
    ``unknown``: how many changed cases could not be tried, because the machinery failed or a limit was reached; a
    remedy may be among them, or (where ``works``) one that changes less. ``message`` says why the first of them could
    not.
    """

    works: bool
    trials: int
    steps: tuple[Step, ...] = ()
    case: str | None = None
    combination: Combination | None = None
    route: str | None = None
    keras_in_use: str | None = None
    max_abs: float | None = None
    unknown: int = 0
    message: str = ""
