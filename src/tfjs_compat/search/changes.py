"""What differs between two cases, and the cost of following it."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.matrix.axes import AXES, RESOLVED, Axis
from tfjs_compat.matrix.cases import Case


def differences(before: Case, after: Case) -> Iterator[str]:
    """What differs between two cases of one model, each in a few words. For people: nothing reads them back."""
    for axis in AXES:
        old, new = axis.value(before.combination), axis.value(after.combination)
        if axis.is_list:
            yield from (f"{axis.noun} {line}" for line in new if line not in old)
        elif old != new:
            yield f"{axis.noun} {new}" if axis.noun else f"{axis.name} {new} instead of {_shown(str(old))}"
    if before.route != after.route:
        yield f"route {after.route.name} instead of {before.route.name}"


def change_cost(before: Case, after: Case) -> int:
    """The cost of one change for whoever follows it: another TensorFlow costs more than a constraint. At least 1."""
    axes = sum(_axis_cost(axis, before, after) for axis in AXES)
    old, new = before.route, after.route
    route = (old.base != new.base) + len(set(new.variants) - set(old.variants))
    return max(1, axes + route)


def _axis_cost(axis: Axis, before: Case, after: Case) -> int:
    old, new = axis.value(before.combination), axis.value(after.combination)
    if axis.is_list:
        return axis.cost * len(set(new) - set(old))
    return axis.cost if old != new else 0


def _shown(value: str) -> str:
    return "as resolved" if value == RESOLVED else value
