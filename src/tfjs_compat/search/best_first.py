"""Best-first search over things that grow out of each other, asked in small batches. Pure: it runs nothing.

The terms:

- A *candidate* can be asked about; an *answer* says whether it works.
- ``grow`` gives the candidates that may work where one does not.
- ``rank`` says what is preferred: the smaller, the better. No candidate may rank before the one it grew out of; under
  that condition the first candidate that works, in the order of ranks, is the best of all that can be reached.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from typing import Any, TypeVar

C = TypeVar("C", bound=Hashable)
A = TypeVar("A")


def best_first(
    roots: Iterable[C],
    *,
    rank: Callable[[C], Any],
    grow: Callable[[C, A], Iterable[C]],
    works: Callable[[A], bool],
    at_once: int = 1,
    exhaustive: bool = False,
) -> Generator[tuple[C, ...], Sequence[A], tuple[C, A] | None]:
    """Yield batches of candidates, be sent their answers; return the best that works and its answer, or None.

    ``at_once``: how many are asked about together; more than one may ask about some that a slower search would not.
    ``exhaustive``: ask about everything that can be reached, although the best is known. Every candidate is asked
    about once. ``roots`` are read at once; it ends if what grows out of them does.

    >>> search = best_first([3, 1, 2], rank=lambda n: n, grow=lambda n, a: [], works=bool)
    >>> next(search), search.send([False])
    ((1,), (2,))
    """
    order = itertools.count()
    frontier: list[tuple[Any, int, C]] = []
    seen: set[C] = set()
    best: tuple[Any, C, A] | None = None

    def add(candidates: Iterable[C]) -> None:
        for candidate in candidates:
            if candidate not in seen:
                seen.add(candidate)
                heapq.heappush(frontier, (rank(candidate), next(order), candidate))

    add(roots)
    while frontier:
        batch: list[tuple[Any, C]] = []
        while frontier and len(batch) < at_once:
            place, _, candidate = heapq.heappop(frontier)
            if exhaustive or best is None or place < best[0]:
                batch.append((place, candidate))
        if not batch:
            break
        answers = yield tuple(candidate for _, candidate in batch)
        for (place, candidate), answer in zip(batch, answers, strict=True):
            if not works(answer):
                add(grow(candidate, answer))
            elif best is None or place < best[0]:
                best = (place, candidate, answer)
    return None if best is None else (best[1], best[2])
