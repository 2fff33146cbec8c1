"""The nearest case that works for each that does not: the same model on the least different way. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import msgspec

from tfjs_compat.locks.difference import difference
from tfjs_compat.matrix.axes import AXES, Combination
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import axes
from tfjs_compat.report.words import short
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Versions

_ROUTE_COUNTS = 3
"""Another route is as far away as so many axes: the same route with other versions is the better neighbour."""


class Neighbour(msgspec.Struct, frozen=True):
    """A case that works beside one that does not.

    ``axes``: what the two request differently, in words, as (works, fails). ``packages``: what their locks pin
    differently, as (works, fails).
    """

    case: CaseResult
    axes: dict[str, tuple[str, str]]
    packages: dict[str, Versions]


def nearest_working(results: Results) -> dict[str, Neighbour]:
    """The neighbour of each case that does not work, by the case's id; none where nothing works for its model."""
    working: dict[str, list[CaseResult]] = {}
    for case in results.cases:
        if case.verdict is Verdict.WORKS:
            working.setdefault(case.model, []).append(case)

    @functools.cache
    def pinned(old: str, new: str) -> dict[str, Versions]:
        changes = difference(results.locks.get(old, {}), results.locks.get(new, {})).changes
        return {change.name: (change.old, change.new) for change in changes}

    found = {}
    for case in results.cases:
        candidates = working.get(case.model, [])
        if case.verdict is Verdict.WORKS or not candidates:
            continue
        nearest = min(candidates, key=lambda other, case=case: _distance(other, case))  # type: ignore[misc]
        known = nearest.lock in results.locks and case.lock in results.locks
        packages = pinned(str(nearest.lock), str(case.lock)) if known else {}
        found[case.id] = Neighbour(nearest, dict(_differing(nearest, case)), packages)
    return found


def _distance(one: CaseResult, other: CaseResult) -> int:
    far = sum(a != b for a, b in zip(_choices(one.combination), _choices(other.combination), strict=True))
    return far + (0 if one.route == other.route else _ROUTE_COUNTS)


@functools.lru_cache(maxsize=1 << 14)
def _choices(combination: Combination) -> tuple[object, ...]:
    return tuple(axis.value(combination) for axis in AXES)


def _differing(one: CaseResult, other: CaseResult) -> Iterable[tuple[str, tuple[str, str]]]:
    for axis in AXES:
        pair = axes.in_words(one.combination, axis), axes.in_words(other.combination, axis)
        if pair[0] != pair[1]:
            yield axis.label, (short(pair[0]) or "default", short(pair[1]) or "default")
    if one.route != other.route:
        yield "route", (one.route, other.route)
