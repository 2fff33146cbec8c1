"""Where a sequence begins to have a property: a noisy binary search with priors. Pure: it runs nothing.

After the idea of Henderson, Ernst and others, "Flake Aware Culprit Finding" (ICST 2023): a distribution over the places
where the answers may turn, halved by each answer according to how far one answer can be trusted.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from tfjs_compat.search.answer import Answer

CERTAIN = 0.95
"""The probability of a turning point with which a search ends."""

TRUSTED = 1e-6
"""How often one answer is wrong, as long as none has contradicted another. So small that it outweighs any weights."""

_SUSPECT = 0.15
_MOST_SUSPECT = 1000.0
_MOST_ASKED = 15


class Neighbours(NamedTuple):
    """Two positions between which the answers turn: ``no`` answered no, ``yes`` yes, what is between them unknown.

    ``unknown``: how many positions are between them. ``confidence``: the probability that the answers turn here, if
    they turn once. ``complete``: false where the search was stopped; the turn is between the two, and what is between
    them was not asked for.
    """

    no: int
    yes: int
    unknown: int
    confidence: float
    complete: bool = True


class LeastSatisfying:
    """Looks for the first position that answers yes, in a sequence of ``length`` positions.

    The terms:

    - Position 0 is known to answer no and the last one yes; neither is asked for again.
    - A position that answers unknown is never asked for again and decides nothing.
    - ``weights``: for each position but the first, how probable it is that the answers turn there, in any unit. More
      than a thousand times the least is taken for that.
    - ``noise``: the probability that one answer, no or yes, is wrong. When a position contradicts itself, it is taken
      for at least 0.15. What is not certain enough is then asked for again, at most fifteen times a position.

    The law, where answers are right: the search ends with a position that answers no and a later one that answers yes,
    both asked for or known, and everything between them answered unknown. Where the answers turn once, these are the
    neighbours of the turn. It does not depend on the weights; how many questions are asked does.

    >>> search = LeastSatisfying(9)
    >>> while (position := search.next()) is not None:
    ...     search.record(position, Answer.YES if position >= 6 else Answer.NO)
    >>> search.neighbours()
    Neighbours(no=5, yes=6, unknown=0, confidence=1.0, complete=True)
    """

    def __init__(self, length: int, weights: Sequence[float] | None = None, noise: float = TRUSTED) -> None:
        if length < 2:
            raise ValueError("a sequence in which answers turn has two positions at least")
        given = list(weights) if weights is not None else [1.0] * (length - 1)
        if len(given) != length - 1 or min(given) <= 0:
            raise ValueError("one weight above 0 for each position but the first")
        self._last = length - 1
        self._prior = [0.0, *(math.log(min(weight, _MOST_SUSPECT * min(given))) for weight in given)]
        self._noise = noise
        self._yes, self._no = Counter[int](), Counter[int]()
        self._unknown: set[int] = set()

    @property
    def noise(self) -> float:
        """The probability that one answer is wrong, as far as the answers show it."""
        contradicting = [at for at in self._yes if self._no[at]]
        if not contradicting:
            return self._noise
        wrong = sum(min(self._yes[at], self._no[at]) for at in contradicting)
        asked = sum(self._yes[at] + self._no[at] for at in {*self._yes, *self._no})
        return min(0.4, max(self._noise, _SUSPECT, wrong / asked))

    def next(self) -> int | None:
        """The position to ask for next, None where the search is over."""
        segments = self._segments()
        low, high, mass = max(segments, key=lambda segment: (segment[2], -segment[0]))
        ends = [at for at in (low, high) if not self._answered(at)]
        if mass >= CERTAIN or not (open_ := self._open()):
            # A turn that only the weights make certain has not been seen.
            return ends[0] if ends else None
        turned = itertools.accumulate(mass for _, _, mass in segments)
        before = {high: share for (_, high, _), share in zip(segments, turned, strict=True)}
        return max(open_, key=lambda at: (self._worth(at, before[at]), -at))

    def upcoming(self) -> tuple[int, ...]:
        """What may be asked for after the next position is answered, so that it can be prepared meanwhile."""
        position = self.next()
        if position is None:
            return ()
        found = []
        for answer in (Answer.NO, Answer.YES):
            assumed = copy.copy(self)
            assumed._yes, assumed._no = self._yes.copy(), self._no.copy()
            assumed.record(position, answer)
            found.append(assumed.next())
        return tuple(dict.fromkeys(at for at in found if at is not None and at != position))

    def record(self, position: int, answer: Answer) -> None:
        """Take an answer."""
        if answer is Answer.UNKNOWN:
            self._unknown.add(position)
        else:
            (self._yes if answer is Answer.YES else self._no)[position] += 1

    def neighbours(self) -> Neighbours:
        """What is known so far; ``complete`` where ``next`` has nothing to ask for."""
        low, high, mass = max(self._segments(), key=lambda segment: (segment[2], -segment[0]))
        if complete := self.next() is None:
            return Neighbours(low, high, high - low - 1, round(mass, 3), complete)
        answered = [at for at in range(self._last + 1) if at not in self._unknown and self._answered(at)]
        pairs = list(itertools.pairwise(answered))
        masses = {pair: sum(m for lo, hi, m in self._segments() if pair[0] <= lo < pair[1]) for pair in pairs}
        low, high = max(pairs, key=lambda pair: (masses[pair], -pair[0]))
        return Neighbours(low, high, len([at for at in self._unknown if low < at < high]), round(mass, 3), complete)

    def _answered(self, at: int) -> bool:
        return at in (0, self._last) or self._yes[at] + self._no[at] > 0

    def _open(self) -> list[int]:
        """Positions that may be asked for and whose answer is not certain already."""
        return [
            at
            for at in range(1, self._last)
            if at not in self._unknown and self._yes[at] + self._no[at] < self._most_asked
        ]

    @property
    def _most_asked(self) -> int:
        return _MOST_ASKED if self.noise > TRUSTED else 1

    def _segments(self) -> list[tuple[int, int, float]]:
        """The stretches between two neighbouring positions that are not unknown: (before, end, probability of a turn).

        Nothing that can be asked for tells the places within one stretch apart.
        """
        right, wrong = math.log1p(-self.noise), math.log(self.noise)
        known = [at for at in range(self._last + 1) if at not in self._unknown]
        # Of a turn at the first position every answer should be yes; each position passed turns its share around.
        score = sum(self._yes[at] * right + self._no[at] * wrong for at in known)
        scores: list[float] = []
        for low, high in itertools.pairwise(known):
            score += (self._no[low] - self._yes[low]) * (right - wrong)
            scores.append(score + _log_sum(self._prior[low + 1 : high + 1]))
        total = _log_sum(scores)
        return [
            (low, high, math.exp(s - total)) for (low, high), s in zip(itertools.pairwise(known), scores, strict=True)
        ]

    def _worth(self, at: int, before: float) -> float:
        """How much an answer at a position tells; less near an unknown one, whose neighbours are often unknown too: the
        more unknown ones there are, the farther it goes."""
        distance = min((abs(at - other) for other in self._unknown), default=math.inf)
        return min(before, 1 - before) * (1 - math.pow(0.5, distance / max(1, len(self._unknown))))


def _log_sum(values: Collection[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def least_satisfying(
    length: int,
    ask: Callable[[int], Answer | None],
    weights: Sequence[float] | None = None,
    noise: float = TRUSTED,
    prepare: Callable[[Sequence[int]], None] = lambda _: None,
) -> Neighbours:
    """Run a search to its end. ``ask`` answers for a position, None where it was stopped; ``prepare`` is called before
    with what may be asked for next."""
    search = LeastSatisfying(length, weights, noise)
    while (position := search.next()) is not None:
        prepare(search.upcoming())
        answer = ask(position)
        if answer is None:
            break
        search.record(position, answer)
    return search.neighbours()
