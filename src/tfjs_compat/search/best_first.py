"""Best-first search over things that grow out of each other, evaluated in small batches. Pure: it runs nothing."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from tfjs_compat.search.answer import Answer

C = TypeVar("C", bound=Hashable)
E = TypeVar("E")


class Best(NamedTuple, Generic[C, E]):
    """What a search knows, best rank first.

    ``found``: the best candidate that answered yes, with its evidence. ``unknown``: those that answered unknown and
    rank before it (all of them, where nothing was found), with their evidence. ``open``: those that would still have
    to be evaluated because they rank before it. Where both are empty, ``found`` is the best of all that there is, or
    nothing works; otherwise whatever is better is among them or grows out of them.
    """

    found: tuple[C, E] | None
    unknown: tuple[tuple[C, E], ...]
    open: tuple[C, ...]


class BestFirst(Generic[C, E]):
    """Looks for the best candidate whose answer is yes.

    The terms:

    - A *candidate* is evaluated; the *evidence* of that says yes, no or unknown, which ``answer`` reads from it.
    - ``rank`` says what is preferred: the smaller, the better. No two candidates share a rank.
    - ``grow`` gives the candidates that may answer yes where one answered no. None may rank before the one it grew
      out of. Nothing grows out of an unknown: what it failed with, if it did, was not seen.

    The law, whatever ``at_once`` and whatever was answered: ``best().found`` is the best of the reachable candidates
    that answer yes, ``best().unknown`` names each reachable one that answers unknown and ranks before it. A candidate
    is reachable if it is a root or grows out of a reachable one that answers no. What might have grown out of an
    unknown ranks behind it, so that naming the unknown ones that rank before the answer names all that is uncertain.

    ``at_once``: how many are evaluated together; more than one may evaluate some that a slower search would not.
    ``exhaustive``: evaluate everything that can be reached, although the best is known. Every candidate is evaluated
    once. ``roots`` are read at once; the search ends if what grows out of them does.

    ``alone``: of those with the same value only one is in a batch, because they would wait for each other anyway; what
    the first answers may spare the second.

    ``hopeless`` says of a candidate whether it is known, by now, that it answers no and nothing grows out of it; it is
    asked before each evaluation, and the law holds as far as it is right.

    >>> search = BestFirst([3, 1, 2], rank=lambda n: n, grow=lambda n, _: [], answer=Answer)
    >>> for word in ("unknown", "no", "yes"):
    ...     (candidate,) = search.next_batch()
    ...     search.record(candidate, word)
    >>> search.next_batch(), search.best()
    ((), Best(found=(3, 'yes'), unknown=((1, 'unknown'),), open=()))
    """

    def __init__(
        self,
        roots: Iterable[C],
        *,
        rank: Callable[[C], Any],
        grow: Callable[[C, E], Iterable[C]],
        answer: Callable[[E], Answer],
        at_once: int = 1,
        exhaustive: bool = False,
        hopeless: Callable[[C], bool] = lambda _: False,
        alone: Callable[[C], Hashable] | None = None,
    ) -> None:
        self._hopeless, self._alone = hopeless, alone
        self._rank, self._grow, self._answer = rank, grow, answer
        self._at_once, self._exhaustive = at_once, exhaustive
        self._order = itertools.count()
        self._frontier: list[tuple[Any, int, C]] = []
        self._waiting: dict[C, Any] = {}
        self._seen: set[C] = set()
        self._found: tuple[Any, C, E] | None = None
        self._unknown: dict[C, tuple[Any, E]] = {}
        self._add(roots)

    def next_batch(self, is_now: Callable[[C], bool] = lambda _: True) -> tuple[C, ...]:
        """The candidates to evaluate next, best first; empty where nothing is left for which ``is_now`` holds.

        Those of the batch before that were not recorded come again, as far as they are still wanted.
        """
        kept = []
        self._waiting = {each: rank for each, rank in self._waiting.items() if self._is_wanted(rank, each)}
        taken = {self._alone(candidate) for candidate in self._waiting} if self._alone is not None else set()
        while self._frontier and len(self._waiting) < self._at_once:
            entry = heapq.heappop(self._frontier)
            rank, _, candidate = entry
            if not self._is_wanted(rank, candidate):
                continue
            if is_now(candidate) and (self._alone is None or self._alone(candidate) not in taken):
                self._waiting[candidate] = rank
                if self._alone is not None:
                    taken.add(self._alone(candidate))
            else:
                kept.append(entry)
        for entry in kept:
            heapq.heappush(self._frontier, entry)
        return tuple(self._waiting)

    def record(self, candidate: C, evidence: E) -> None:
        """Take the evidence of a candidate of the last batch. Raises KeyError for any other."""
        rank = self._waiting.pop(candidate)
        answer = self._answer(evidence)
        if answer is Answer.NO:
            self._add(self._grow(candidate, evidence))
        elif answer is Answer.UNKNOWN:
            self._unknown[candidate] = (rank, evidence)
        elif self._before_found(rank):
            self._found = (rank, candidate, evidence)

    def best(self) -> Best[C, E]:
        """What is known so far; final when ``next_batch`` is empty."""
        unknown = [(rank, candidate, evidence) for candidate, (rank, evidence) in self._unknown.items()]
        unfinished = [(rank, candidate) for candidate, rank in self._waiting.items()]
        unfinished += [(rank, candidate) for rank, _, candidate in self._frontier if not self._hopeless(candidate)]
        return Best(
            None if self._found is None else self._found[1:],
            tuple(entry[1:] for entry in sorted(unknown, key=_first) if self._before_found(entry[0])),
            tuple(entry[1] for entry in sorted(unfinished, key=_first) if self._before_found(entry[0])),
        )

    def _before_found(self, rank: Any) -> bool:
        return self._found is None or bool(rank < self._found[0])

    def _is_wanted(self, rank: Any, candidate: C) -> bool:
        return not self._hopeless(candidate) and (self._exhaustive or self._before_found(rank))

    def _add(self, candidates: Iterable[C]) -> None:
        for candidate in candidates:
            if candidate not in self._seen:
                self._seen.add(candidate)
                heapq.heappush(self._frontier, (self._rank(candidate), next(self._order), candidate))


def _first(entry: tuple[Any, ...]) -> Any:
    return entry[0]
