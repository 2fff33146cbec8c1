"""What differs between two cases, and how much that asks of who follows it."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.matrix.axes import RESOLVED
from tfjs_compat.matrix.cases import Case


def differences(before: Case, after: Case) -> Iterator[str]:
    """What differs between two cases of one model, each in a few words."""
    old, new = before.combination, after.combination
    for name in ("python", "tensorflow", "tensorflowjs", "keras"):
        if getattr(old, name) != getattr(new, name):
            was = getattr(old, name) if getattr(old, name) != RESOLVED else "as resolved"
            yield f"{name} {getattr(new, name)} instead of {was}"
    for name, word in (("extra", "package"), ("constraints", "constraint"), ("overrides", "override")):
        for line in getattr(new, name):
            if line not in getattr(old, name):
                yield f"{word} {line}"
    for line in new.stand_ins:
        if line not in old.stand_ins:
            yield f"an empty module in place of {line}"
    if old.process_env != new.process_env:
        yield f"process variables {new.process_env}"
    if before.route != after.route:
        yield f"route {after.route.name} instead of {before.route.name}"


CHANGE_COSTS = {"tensorflow": 4, "tensorflowjs": 2, "python": 1, "keras": 1, "process_env": 1}
"""What a change on an axis costs; every other change costs 1."""


def change_cost(before: Case, after: Case) -> int:
    """How much one change asks of who follows it: another TensorFlow more than a constraint. At least 1."""
    old, new = before.combination, after.combination
    axes = sum(cost for name, cost in CHANGE_COSTS.items() if getattr(old, name) != getattr(new, name))
    lines = sum(
        len(set(getattr(new, name)) - set(getattr(old, name)))
        for name in ("extra", "constraints", "overrides", "stand_ins")
    )
    one, other = before.route, after.route
    route = (one.base != other.base) + len(set(other.variants) - set(one.variants))
    return max(1, axes + lines + route)
