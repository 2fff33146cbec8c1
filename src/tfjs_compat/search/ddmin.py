"""The smallest set of changes that turns an answer: delta debugging with three answers. Pure: it runs nothing.

After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002); the suspected changes are
looked at first, by a binary search over beginnings of the list, so that a single culprit takes few questions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from tfjs_compat.search.answer import Answer
from tfjs_compat.search.least_satisfying import LeastSatisfying

C = TypeVar("C", bound=Hashable)

Subset = frozenset[C]
AskAll = Callable[[Sequence[Subset[C]]], Sequence[Answer | None]]
"""Answers for subsets, in order; None for what was not answered because the search was stopped."""


class Minimal(NamedTuple, Generic[C]):
    """A set of changes that answers yes.

    ``minimal``: without any single one of them the answer is no (1-minimal). ``unknown``: those without which the
    answer is unknown, so that they may not be needed. ``complete``: false where the search was stopped.
    """

    changes: tuple[C, ...]
    minimal: bool
    unknown: tuple[C, ...]
    complete: bool


class _Stopped(Exception):
    pass


def ddmin(
    changes: Sequence[C],
    ask: AskAll[C],
    weights: Sequence[float] | None = None,
    jobs: int = 1,
    prepare: Callable[[Sequence[Subset[C]]], None] = lambda _: None,
) -> Minimal[C]:
    """A 1-minimal subset of ``changes`` whose answer is yes.

    All of them together are known to answer yes, none of them no; neither is asked for. ``weights`` say how suspect
    each change is. No subset is asked for twice. Of several that answer yes the one with the lowest index is taken, so
    that the result does not depend on ``jobs``, which is how many subsets are asked for at once.

    >>> def ask(subsets):
    ...     return [Answer.YES if {2, 5} <= subset else Answer.NO for subset in subsets]
    >>> ddmin(range(8), ask).changes
    (2, 5)
    """
    return _Ddmin(changes, ask, weights, jobs, prepare).run()


class _Ddmin(Generic[C]):
    def __init__(
        self,
        changes: Sequence[C],
        ask: AskAll[C],
        weights: Sequence[float] | None,
        jobs: int,
        prepare: Callable[[Sequence[Subset[C]]], None],
    ) -> None:
        self._ask, self._jobs, self._prepare = ask, jobs, prepare
        self._order = list(changes)
        given = list(weights) if weights is not None else [1.0] * len(self._order)
        self._weight = dict(zip(self._order, given, strict=True))
        self._known: dict[Subset[C], Answer] = {frozenset(): Answer.NO, frozenset(self._order): Answer.YES}
        self._current = list(self._order)

    def run(self) -> Minimal[C]:
        complete = True
        try:
            self._shrink_by_beginnings()
            self._reduce()
        except _Stopped:
            complete = False
        without = {change: self._known.get(self._without(change)) for change in self._current}
        unknown = tuple(change for change, answer in without.items() if answer is Answer.UNKNOWN)
        minimal = all(answer is Answer.NO for answer in without.values())
        return Minimal(tuple(self._current), minimal, unknown, complete)

    def _shrink_by_beginnings(self) -> None:
        """Find one needed change after another, each by the shortest beginning of the list that answers yes.

        Leaves in ``_current`` what is known to answer yes. Where unknown answers hide which change it is, it stops.
        """
        by_suspicion = sorted(self._order, key=lambda change: -self._weight[change])
        pool, needed = by_suspicion, list[C]()
        while pool and self._one(frozenset(needed)) is not Answer.YES:
            if self._one(frozenset(needed)) is Answer.UNKNOWN:
                break
            search = LeastSatisfying(len(pool) + 1, [self._weight[change] for change in pool])

            def beginning(length: int, pool: Sequence[C] = pool) -> Subset[C]:
                return frozenset(pool[:length]) | frozenset(needed)

            while (length := search.next()) is not None:
                self._prepare([beginning(length) for length in search.upcoming()])
                search.record(length, self._one(beginning(length)))
            found = search.neighbours()
            if found.unknown:
                pool = pool[: found.yes]
                break
            needed.append(pool[found.yes - 1])
            pool = pool[: found.no]
            self._keep({*pool, *needed})
        if self._known.get(frozenset(needed)) is Answer.YES:
            pool = []
        self._keep({*pool, *needed})

    def _keep(self, kept: set[C]) -> None:
        self._current = [change for change in self._order if change in kept]

    def _reduce(self) -> None:
        """Delta debugging: parts, then what is left without a part, then finer parts."""
        parts = 2
        while len(self._current) > 1:
            parts = min(parts, len(self._current))
            pieces = [frozenset(piece) for piece in _split(self._current, parts)]
            whole = frozenset(self._current)
            if (at := self._first(pieces)) is not None:
                self._keep(set(pieces[at]))
                parts = 2
            elif parts > 2 and (at := self._first([whole - piece for piece in pieces])) is not None:
                self._keep(set(whole - pieces[at]))
                parts -= 1
            elif parts < len(self._current):
                parts *= 2
            else:
                return

    def _without(self, change: C) -> Subset[C]:
        return frozenset(self._current) - {change}

    def _one(self, subset: Subset[C]) -> Answer:
        self._first([subset])
        return self._known[subset]

    def _first(self, subsets: Sequence[Subset[C]]) -> int | None:
        """The lowest index whose subset answers yes; what stands behind it may not have been asked for."""
        for start in range(0, len(subsets), self._jobs):
            batch = subsets[start : start + self._jobs]
            new = [subset for subset in dict.fromkeys(batch) if subset not in self._known]
            for subset, answer in zip(new, self._ask(new) if new else (), strict=True):
                if answer is not None:
                    self._known[subset] = answer
            for at, subset in enumerate(batch, start):
                if subset not in self._known:
                    raise _Stopped
                if self._known[subset] is Answer.YES:
                    return at
        return None


def _split(items: Sequence[C], parts: int) -> list[Sequence[C]]:
    """The items in order, in parts of about the same size."""
    ends = [len(items) * number // parts for number in range(parts + 1)]
    return [items[start:end] for start, end in itertools.pairwise(ends)]
