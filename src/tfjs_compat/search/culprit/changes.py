"""What differs between two trials, each difference as a value, and the trial that has some of them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from tfjs_compat.engine.plan import Planned
from tfjs_compat.errors import RequestError
from tfjs_compat.locks.difference import difference
from tfjs_compat.locks.lock import Lock, make_lock
from tfjs_compat.matrix.axes import DEFAULT, RESOLVED
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.trials.runtimes.runtime import runtime_version

Kind = Literal["package", "process_env", "python", "route", "runtime", "option"]


class Change(msgspec.Struct, frozen=True):
    """One difference between a good trial and a bad one.

    ``name`` is a package, an environment variable, ``python``, ``route``, ``tensorflow.js``, or a variant of the route
    (what the converter is told besides, a repair). ``good`` and ``bad`` are its values; None where it is not there.
    """

    kind: Kind
    name: str
    good: str | None
    bad: str | None

    def __str__(self) -> str:
        if self.kind in ("package", "python", "runtime"):
            return f"{self.name} {self.good or 'not installed'} → {self.bad or 'not installed'}"
        if self.kind == "route":
            return f"route {self.good} → {self.bad}"
        if self.kind == "option":
            return f"option {self.name} {'off' if self.good is None else 'on'} → {'off' if self.bad is None else 'on'}"
        return (
            f"{self.name} {'unset' if self.good is None else self.good} → {'unset' if self.bad is None else self.bad}"
        )


def lock_of(planned: Planned) -> Lock:
    """The lock of a trial that has one. Raises TypeError for one that has none."""
    if not isinstance(planned.lock, Lock):
        raise TypeError(f"{planned.case.id} has no lock")
    return planned.lock


def changes_between(good: Planned, bad: Planned) -> tuple[Change, ...]:
    """All that differs between two trials that have locks, in a fixed order: packages by name, then the rest."""
    packages = difference(lock_of(good).packages, lock_of(bad).packages).changes
    found = [Change("package", change.name, change.old, change.new) for change in packages]
    if good.python.version != bad.python.version:
        found.append(Change("python", "python", good.python.version, bad.python.version))
    for name in sorted({*good.variables, *bad.variables}):
        if good.variables.get(name) != bad.variables.get(name):
            found.append(Change("process_env", name, good.variables.get(name), bad.variables.get(name)))
    before, after = good.case.route, bad.case.route
    if before.base != after.base:
        found.append(Change("route", "route", before.base, after.base))
    for variant in sorted({*before.variants} ^ {*after.variants}):
        on = [variant if variant in route.variants else None for route in (before, after)]
        found.append(Change("option", variant, *on))
    if (old := runtime_version(good.case)) != (new := runtime_version(bad.case)):
        found.append(Change("runtime", "tensorflow.js", old, new))
    return tuple(found)


def mixture(good: Planned, bad: Planned, applied: Collection[Change]) -> Planned | None:
    """The good trial with some of the changes applied, exactly: nothing is resolved.

    None where there is no such thing, for example a route without a variant that it would need.
    """
    every = changes_between(good, bad)
    if not applied:
        return good
    if len(applied) == len(every):
        return bad
    of_bad = {(change.kind, change.name) for change in applied}

    def side(kind: Kind, name: str) -> Planned:
        return bad if (kind, name) in of_bad else good

    route = side("route", "route").case.route.base
    # A variant in both belongs to the mixture; one in either goes with its change.
    common = {*good.case.route.variants} & {*bad.case.route.variants}
    chosen = {c.name for c in every if c.kind == "option" and c.name in side("option", c.name).case.route.variants}
    try:
        mixed_route = find_route("+".join((route, *sorted(common | chosen))))
    except RequestError:
        return None
    lock = _mixed_lock(good, bad, of_bad)
    if lock is None:
        return None
    variables = {
        name: value
        for name in {*good.variables, *bad.variables}
        if (value := side("process_env", name).variables.get(name)) is not None
    }
    combination = msgspec.structs.replace(
        bad.case.combination,
        tensorflow=lock.packages.get("tensorflow", bad.case.combination.tensorflow),
        tensorflowjs=lock.packages.get("tensorflowjs", bad.case.combination.tensorflowjs),
        python=side("python", "python").case.combination.python,
        keras=RESOLVED,
        # What was applied, so that the case has an id of its own.
        constraints=tuple(f"{c.name}{f'=={c.bad}' if c.bad else '<0'}" for c in applied if c.kind == "package"),
        process_env=_env_name(good, bad, variables),
        tfjs_runtime=side("runtime", "tensorflow.js").case.combination.tfjs_runtime,
        stand_ins=lock.stand_ins,
        overrides=(),
    )
    case = msgspec.structs.replace(bad.case, combination=combination, route=mixed_route, expected=None)
    return Planned(case, side("python", "python").python, lock, variables)


def _env_name(good: Planned, bad: Planned, variables: dict[str, str]) -> str:
    for end in (good, bad):
        if end.variables == variables:
            return end.case.combination.process_env
    return "+".join(f"{name}={value}" for name, value in sorted(variables.items())) or DEFAULT


def _mixed_lock(good: Planned, bad: Planned, of_bad: Collection[tuple[Kind, str]]) -> Lock | None:
    """The lock that takes each package from one of the two, with its hashes; None where they cannot be told."""
    before, after = lock_of(good), lock_of(bad)
    pins = [{pin.name: pin for pin in lock.pins()} for lock in (before, after)]
    names = sorted({*before.packages, *after.packages})
    sides = {name: int(("package", name) in of_bad) for name in names}
    chosen = [pins[sides[name]][name] for name in names if name in pins[sides[name]]]
    if not all(pin.lines for pin in chosen):
        return None
    there = {pin.name for pin in chosen}
    absent = {*before.stand_ins, *after.stand_ins} - there
    python = bad.python if ("python", "python") in of_bad else good.python
    text = "".join(pin.lines if pin.lines.endswith("\n") else f"{pin.lines}\n" for pin in chosen)
    return make_lock(
        text, python, source_builds=before.source_builds or after.source_builds, stand_ins=tuple(sorted(absent))
    )
