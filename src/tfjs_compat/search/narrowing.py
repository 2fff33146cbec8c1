"""Which versions a search looks at, and which it need not: what ends alike at both ends of a range. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from packaging.version import Version

from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.routes import Format, find_route
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.endings import decisive, endings
from tfjs_compat.search.oracle import Evaluation
from tfjs_compat.search.pruning import is_indifferent

Group = tuple[tuple[int, ...], Version]
"""The versions that candidates share: TensorFlow's minor version, and the converter."""


class Narrowed(NamedTuple):
    """Why a search did not look everywhere.

    ``decisive``: failures that no version cures, at most one for each format. ``alike``: pairs of failures with one
    ending, of which the first is of newer versions; nothing between them was looked at.
    """

    decisive: tuple[CaseResult, ...] = ()
    alike: tuple[tuple[CaseResult, CaseResult], ...] = ()


_KERAS_3_SINCE = (2, 16)
"""From this TensorFlow on, ``import keras`` is Keras 3 in every environment."""


def group_of(case: Case) -> Group:
    """The group of a case."""
    combination = case.combination
    return Version(combination.tensorflow).release[:2], Version(combination.tensorflowjs)


class Narrowing:
    """Decides where a search looks next, so that it need not look everywhere to say that nothing works.

    The group of the best root comes first. Where nothing in it works, the ends of the range follow, then what is in
    the middle between two that ended differently. Groups between two that ended alike, whatever was done about it, are
    ruled out: no release in between is known to work where those on both sides fail in the same way. Formats on which
    a failure is in the model itself are ruled out in all other groups at once. As soon as something works, all that is
    left is looked at in the order of preference.

    What counts as alike: each failure of one group on a format ended like one of the other. A group in which something
    works, in which nothing got as far as the model, or in which the machinery failed, is like no other.
    """

    def __init__(self, roots: Sequence[Case], best: Case) -> None:
        self._groups: list[Group] = sorted({group_of(root) for root in roots}, reverse=True)
        self._only_keras_3 = all(group[0] >= _KERAS_3_SINCE for group in self._groups)
        self._formats = frozenset(root.route.format for root in roots)
        self._focus: Group | None = group_of(best)
        self._results: dict[Group, list[CaseResult]] = {}
        self._not_alike: set[Group] = set()
        self._explored: list[Group] = []
        self._ruled_out: set[Group] = set()
        self._found = False
        self._decisive: dict[Format, CaseResult] = {}
        self._settled_in: dict[Format, Group] = {}
        self._alike: dict[tuple[Group, Group], tuple[CaseResult, CaseResult]] = {}

    @property
    def narrowed(self) -> Narrowed:
        """Why not all was looked at."""
        # By their ids: a result holds tables, which nothing can be looked up by.
        decisive = {result.id: result for result in self._decisive.values()}
        return Narrowed(tuple(decisive.values()), tuple(self._alike.values()))

    def is_now(self, candidate: Candidate) -> bool:
        """Whether it is the turn of a candidate's group."""
        return self._focus is None or group_of(candidate.case) == self._focus

    def is_hopeless(self, candidate: Candidate) -> bool:
        """Whether it is known that a candidate does not work."""
        group, format = group_of(candidate.case), candidate.case.route.format
        return group in self._ruled_out or self._settled_in.get(format, group) != group

    def record(self, candidate: Candidate, evaluation: Evaluation) -> None:
        """Take what a candidate came to."""
        group = group_of(candidate.case)
        self._found = self._found or evaluation.answer is Answer.YES
        if evaluation.answer is not Answer.NO:
            self._not_alike.add(group)
        elif evaluation.result.stage.rank >= Stage.BUILD.rank:
            self._results.setdefault(group, []).append(evaluation.result)

    def next_group(self) -> bool:
        """Go on where the present group has nothing left; whether there is anywhere to go."""
        if self._focus is None:
            return False
        self._explored.append(self._focus)
        self._settle(self._focus)
        self._rule_out()
        self._focus = None if self._found else self._next()
        return self._found or self._focus is not None

    def _settle(self, group: Group) -> None:
        """Rule out the formats on which no version helps. A model that is not built fails on each."""
        results = self._results.get(group, ())
        one_generation = self._only_keras_3 and any(is_indifferent(result) for result in results)
        for format in self._formats - set(self._settled_in):
            found = decisive(self._on_format(group, format), one_generation=one_generation)
            if found is not None:
                self._decisive[format] = found
                self._settled_in[format] = group

    def _rule_out(self) -> None:
        explored = self._informative()
        for newer, older in itertools.pairwise(explored):
            between = [group for group in self._open() if older < group < newer]
            if between and (pair := self._pair(newer, older)) is not None:
                self._ruled_out.update(between)
                self._alike[newer, older] = pair

    def _informative(self) -> list[Group]:
        """The groups that were looked at and in which the model itself failed, newest first."""
        return sorted(
            (group for group in self._explored if group not in self._not_alike and group in self._results), reverse=True
        )

    def _open(self) -> list[Group]:
        return [group for group in self._groups if group not in self._explored and group not in self._ruled_out]

    def _pair(self, newer: Group, older: Group) -> tuple[CaseResult, CaseResult] | None:
        """A failure of each of two groups that ended alike; None where they did not."""
        pair = None
        for format in sorted(self._formats - set(self._settled_in)):
            one, other = self._on_format(newer, format), self._on_format(older, format)
            pairs = _partners(one, other) or [(new, old) for old, new in _partners(other, one)]
            if not pairs:
                return None
            pair = pair or pairs[0]
        return pair

    def _on_format(self, group: Group, format: Format) -> list[CaseResult]:
        return [result for result in self._results.get(group, ()) if _format_of(result) == format]

    def _next(self) -> Group | None:
        """The outermost groups, until the range has two ends; then the middle of its widest gap. None: nowhere."""
        groups, informative = self._open(), self._informative()
        if not groups or self._formats <= set(self._settled_in):
            return None
        if not informative or groups[-1] < informative[-1]:
            return groups[-1]
        if groups[0] > informative[0]:
            return groups[0]
        widest = max(_runs(self._groups, groups.__contains__), key=len)
        return widest[len(widest) // 2]


def _partners(results: Sequence[CaseResult], others: Sequence[CaseResult]) -> list[tuple[CaseResult, CaseResult]]:
    """Each of the results with one of the others that ended alike; empty where one has none."""
    found = []
    for result in results:
        other = next((other for other in others if endings(result) & endings(other)), None)
        if other is None:
            return []
        found.append((result, other))
    return found


def _format_of(result: CaseResult) -> Format:
    return find_route(result.route).format


def _runs(groups: Iterable[Group], is_open: Callable[[Group], bool]) -> list[list[Group]]:
    """Neighbouring groups that are open, together."""
    found: list[list[Group]] = [[]]
    for group in groups:
        if is_open(group):
            found[-1].append(group)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]
