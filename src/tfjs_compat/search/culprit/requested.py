"""What differs between what two cases request: for an end that has no lock, where packages cannot be compared. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from tfjs_compat.matrix.axes import AXES, DEFAULT, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.search.culprit.changes import Change, Kind

_KINDS: dict[str, Kind] = {
    "release": "package",
    "python": "python",
    "process_env": "process_env",
    "choice": "runtime",
}
"""The kind of change that an axis is, by the axis's own kind; any other is an option."""


def requested_changes(good: Case, bad: Case) -> tuple[Change, ...]:
    """The axes on which two cases differ, and the route, in the order of the axes.

    Of an axis that is a list the values are its texts, joined by commas; None where there is none.
    """
    found = []
    for axis in AXES:
        before, after = axis.value(good.combination), axis.value(bad.combination)
        if before != after:
            kind = _KINDS.get(axis.kind, "option")
            found.append(Change(kind, axis.name, _text(before), _text(after)))
    if good.route.name != bad.route.name:
        found.append(Change("route", "route", good.route.name, bad.route.name))
    return tuple(found)


def _text(value: str | tuple[str, ...]) -> str | None:
    text = ", ".join(value) if isinstance(value, tuple) else value
    return None if text in ("", DEFAULT) else text


def requested_mixture(good: Case, bad: Case, applied: Collection[Change]) -> tuple[Combination, str]:
    """The combination and the route of the good case with some of the changes made."""
    of_bad = {change.name for change in applied}
    values: dict[str, Any] = {
        axis.name: axis.value((bad if axis.name in of_bad else good).combination) for axis in AXES
    }
    route = (bad if "route" in of_bad else good).route.name
    return msgspec.structs.replace(good.combination, **values), route
