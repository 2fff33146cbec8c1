"""The pieces and the order in which trials run. Pure; only the time of a run depends on it, no result."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock

IMPORT_SECONDS = 4.0
"""What a server costs before its first case: the import of TensorFlow."""

_LARGER = 1.25


class Piece(msgspec.Struct, frozen=True):
    """One environment and planned cases to run in it, one after another. ``seconds``: what it is expected to take."""

    lock: Lock
    cases: tuple[Planned, ...]
    seconds: float = 0.0

    def groups(self) -> list[tuple[Planned, ...]]:
        """The cases by process variables: those of a group can share a server."""
        return [tuple(group) for _, group in itertools.groupby(self.cases, key=_variables)]


def pieces(
    todo: Sequence[Planned],
    jobs: int,
    expected: Callable[[Planned], float] = lambda _: 1.0,
    preparing: Callable[[Lock], float] = lambda _: 0.0,
    known_since: Callable[[Planned], int] = lambda _: 0,
) -> list[Piece]:
    """The planned cases that have a lock, longest piece first.

    Before that, where time may run out: ``known_since`` ranks cases by how long ago anything was learned of them, and
    the piece that has the lowest rank begins.

    A piece per lock, halved where that gives an idle job work or shortens the one that would end last by more than a
    second import costs. ``expected``: seconds of a case; ``preparing``: of building a lock's environment.
    """

    def piece_of(lock: Lock, cases: Iterable[Planned]) -> Piece:
        ordered = tuple(sorted(cases, key=lambda planned: (_variables(planned), known_since(planned))))
        imports = IMPORT_SECONDS * len({_variables(planned) for planned in ordered})
        return Piece(lock, ordered, preparing(lock) + imports + sum(map(expected, ordered)))

    by_lock: dict[str, list[Planned]] = {}
    locks: dict[str, Lock] = {}
    for planned in todo:
        if isinstance(planned.lock, Lock):
            by_lock.setdefault(planned.lock.id, []).append(planned)
            locks.setdefault(planned.lock.id, planned.lock)
    found = [piece_of(locks[name], cases) for name, cases in by_lock.items()]
    while found and (chosen := _to_halve(found, jobs)) is not None:
        at = found.index(chosen)
        found[at : at + 1] = [piece_of(chosen.lock, half) for half in _halves(chosen, expected)]
    # Stable: pieces of the same length stay in the plan's order.
    return sorted(found, key=lambda piece: (min(map(known_since, piece.cases)), -piece.seconds))


def _variables(planned: Planned) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(planned.variables.items()))


def _to_halve(found: Sequence[Piece], jobs: int) -> Piece | None:
    """The longest piece that has two cases, if halving it makes the whole end sooner."""
    longest = max((piece for piece in found if len(piece.cases) > 1), key=lambda piece: piece.seconds, default=None)
    if longest is None or len(found) < jobs:
        return longest
    share = sum(piece.seconds for piece in found) / jobs
    gain = longest.seconds - share
    return longest if longest.seconds > _LARGER * share and gain > 2 * IMPORT_SECONDS else None


def _halves(piece: Piece, expected: Callable[[Planned], float]) -> tuple[Sequence[Planned], Sequence[Planned]]:
    """The cases in two parts that take about the same; between two groups, where there are several."""
    groups = piece.groups()
    ends = list(itertools.accumulate(map(len, groups[:-1]))) or range(1, len(piece.cases))
    before = [0.0, *itertools.accumulate(map(expected, piece.cases))]
    cut = min(ends, key=lambda end: abs(2 * before[end] - before[-1]))
    return piece.cases[:cut], piece.cases[cut:]
