"""A plan in parts that machines run beside each other: every case is in exactly one. Pure.

An environment is what a shard costs most, so it stays in one where that is not too long for it. A cut is balanced by
what its machine knows of durations if it is written down for the others (`plan --shards N --output DIR`, then
`run --shard i/N --plan DIR`). Without that file each machine cuts for itself, by nothing that only it knows: the
shards fit each other as long as all machines find the same locks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.schedule import IMPORT_SECONDS, pieces
from tfjs_compat.errors import RequestError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.results.plan_file import Cut

BUILD_SECONDS = 60.0
"""What an environment costs on a machine that has nothing of it: most of it is the download of TensorFlow."""

MOST_SHARDS = 10_000


class Shard(msgspec.Struct, frozen=True):
    """One part of a plan: the ``number``-th, from 1, ``of`` so many."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> Shard:
    """The shard that a text such as ``2/3`` means. Raises RequestError.

    >>> parse_shard("2/3")
    Shard(number=2, of=3)
    """
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
    hint = "hint: 'NUMBER/OF', from 1/3 to 3/3 for three"
    if found is None:
        raise RequestError(f"--shard: '{text[:40]}' is not of the form NUMBER/OF\n{hint}")
    number, of = int(found[1]), int(found[2])
    if not 1 <= number <= of <= MOST_SHARDS:
        raise RequestError(f"--shard: there is no shard {number} of {of} (at most {MOST_SHARDS})\n{hint}")
    return Shard(number, of)


def cut(plan: Plan, of: int, expected: Callable[[Planned], float] = lambda _: 1.0) -> Cut:
    """The cases of a plan in ``of`` shards that take about the same time.

    ``expected``: seconds of a case. Cases that have no lock take none. Some shards are empty where there is too little
    to do. Deterministic: the same plan and seconds give the same shards.
    """
    parts: list[list[Planned]] = [[] for _ in range(of)]
    seconds = [0.0] * of
    for piece in pieces(plan.cases, of, expected, lambda _: BUILD_SECONDS):
        least = seconds.index(min(seconds))
        parts[least] += piece.cases
        seconds[least] += piece.seconds
    used = [number for number, part in enumerate(parts) if part] or [0]
    for number, planned in enumerate(case for case in plan.cases if not isinstance(case.lock, Lock)):
        parts[used[number % len(used)]].append(planned)
    number_of = {planned.case.id: number for number, part in enumerate(parts, 1) for planned in part}
    return Cut(of, {planned.case.id: number_of[planned.case.id] for planned in plan.cases})


class ShardSize(msgspec.Struct, frozen=True):
    """What a shard holds, and the seconds it is expected to take where none of its environments is built yet."""

    shard: str
    cases: int
    environments: int
    seconds: int


def sizes(plan: Plan, expected: Callable[[Planned], float]) -> tuple[ShardSize, ...]:
    """The size of each shard of a plan that is cut, also of an empty one; ``expected``: seconds of a case."""
    assert plan.cut is not None
    found = []
    for number in range(1, plan.cut.of + 1):
        own = set(plan.cut.cases(number))
        part = [planned for planned in plan.cases if planned.case.id in own]
        locks = {planned.lock.id for planned in part if isinstance(planned.lock, Lock)}
        cases = sum(expected(planned) for planned in part if isinstance(planned.lock, Lock))
        seconds = len(locks) * (BUILD_SECONDS + IMPORT_SECONDS) + cases
        found.append(ShardSize(f"{number}/{plan.cut.of}", len(part), len(locks), round(seconds)))
    return tuple(found)


def only_shard(plan: Plan, shard: Shard) -> Plan:
    """The plan of one shard: its cases alone. Cut here, by nothing that only this machine knows, if it is not cut yet.

    Raises RequestError where the plan is cut into another number of shards.
    """
    found = plan.cut or cut(plan, shard.of)
    if found.of != shard.of:
        raise RequestError(
            f"--shard {shard}: the plan is cut into {found.of} shards\nhint: --shard {shard.number}/{found.of}"
        )
    own = set(found.cases(shard.number))
    cases = tuple(planned for planned in plan.cases if planned.case.id in own)
    return msgspec.structs.replace(plan, cases=cases, shard=str(shard), cut=found)
