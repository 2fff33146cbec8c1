"""Runs of parts of one plan → one run. Pure: what each part holds comes in, the whole goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.plan_file import Cut, PlanDocument, PlannedCase


class Part(msgspec.Struct, frozen=True):
    """A run's plan and its results; ``name`` is what the user calls it: its folder."""

    name: str
    plan: PlanDocument
    results: Results


class Lost(msgspec.Struct, frozen=True):
    """Cases of the plan that no part has a result of; ``shard`` (``2/3``) is whose they are, empty where no one's."""

    shard: str
    cases: tuple[str, ...]


class Merged(msgspec.Struct, frozen=True):
    """The whole: its plan, its results in the order of the plan, and what is missing of it."""

    plan: PlanDocument
    results: Results
    lost: tuple[Lost, ...]


def merge(parts: Sequence[Part]) -> Merged:
    """One run out of the parts of one plan.

    Shards must partition the plan: each case of it was given to exactly one. Parts that are no shards are united; of a
    case that two of them ran, the later run counts. Raises RequestError where the parts are of different matrices or
    tools, or the shards overlap or were cut differently.
    """
    if not parts:
        raise RequestError("merge: give the output folders of at least one run")
    _require_one_plan(parts)
    cut = _cut(parts)
    if cut is not None:
        _require_partition(parts, cut)
    newest_last = sorted(parts, key=lambda part: part.plan.started)
    planned: dict[str, PlannedCase] = {}
    found: dict[str, CaseResult] = {}
    for part in newest_last:
        planned.update({case.id: msgspec.structs.replace(case, requested=True) for case in part.plan.cases})
        found.update({case.id: case for case in part.results.cases})
    order = list(dict.fromkeys([*(cut.shard_of if cut is not None else ()), *planned]))
    lost = tuple(_lost(order, found, cut))
    first = min(parts, key=lambda part: part.plan.started)
    plan = msgspec.structs.replace(
        first.plan,
        cases=tuple(planned[name] for name in order if name in planned),
        machine=_united(part.plan.machine for part in parts),
        left_out=tuple(dict.fromkeys(line for part in parts for line in part.plan.left_out)),
        shard="",
    )
    results = msgspec.structs.replace(
        first.results,
        started=first.plan.started,
        seconds=max(part.results.seconds for part in parts),
        complete=not lost,
        machine=plan.machine,
        left_out=tuple(dict.fromkeys(line for part in parts for line in part.results.left_out)),
        cases=tuple(found[name] for name in order if name in found),
        planned=len(order),
        locks={name: pins for part in parts for name, pins in part.results.locks.items()},
    )
    return Merged(plan, results, lost)


_MUST_BE_EQUAL = (
    ("matrix_digest", "another matrix, or other options"),
    ("until", "another --until"),
    ("tool", "another version of tfjs-compat"),
)


def _require_one_plan(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        for key, what in _MUST_BE_EQUAL:
            if getattr(part.plan, key) != getattr(first.plan, key):
                raise RequestError(f"{part.name}: a run of {what} than {first.name}\nhint: merge runs of one plan")


def _cut(parts: Sequence[Part]) -> Cut | None:
    """The cut that all shards among the parts share; None where there is none."""
    sharded = [part for part in parts if part.plan.cut is not None]
    for part in sharded[1:]:
        if part.plan.cut != sharded[0].plan.cut:
            raise RequestError(
                f"{part.name}: cut into other shards than {sharded[0].name}\n"
                "hint: cut once for all of them: `tfjs-compat plan … --shards N --output DIR`, then "
                "`tfjs-compat run … --shard i/N --plan DIR`"
            )
    return sharded[0].plan.cut if sharded else None


def _require_partition(parts: Sequence[Part], cut: Cut) -> None:
    """Raise RequestError where a shard was given a case of another, or not all of its own."""
    for part in parts:
        if not part.plan.shard:
            continue
        number = int(part.plan.shard.partition("/")[0])
        given = {case.id for case in part.plan.cases if case.requested}
        if strange := given ^ set(cut.cases(number)):
            raise RequestError(f"{part.name}: not what shard {part.plan.shard} of the plan is: {min(strange)}")


def _lost(order: Sequence[str], found: Mapping[str, CaseResult], cut: Cut | None) -> Iterator[Lost]:
    missing: dict[int, list[str]] = {}
    for name in order:
        if name not in found:
            missing.setdefault(cut.shard_of.get(name, 0) if cut is not None else 0, []).append(name)
    for number, names in sorted(missing.items()):
        yield Lost(f"{number}/{cut.of}" if number and cut is not None else "", tuple(names))


def _united(machines: Iterable[dict[str, str]]) -> dict[str, str]:
    """The facts of all machines; where they differ, each value once."""
    values: dict[str, dict[str, None]] = {}
    for machine in machines:
        for key, value in machine.items():
            values.setdefault(key, {})[value] = None
    return {key: " | ".join(found) for key, found in values.items()}
