"""The culprit between two trials: the smallest set of changes, then each package narrowed to two releases."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import msgspec

from tfjs_compat.engine.plan import Planned
from tfjs_compat.index.releases import Release
from tfjs_compat.locks.difference import VersionChange, difference
from tfjs_compat.locks.lock import Lock
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.culprit.changes import Change, changes_between, lock_of, mixture
from tfjs_compat.search.culprit.dependencies import Dependencies, EndPackages
from tfjs_compat.search.culprit.explanation import Culprit
from tfjs_compat.search.culprit.question import Question, Shows
from tfjs_compat.search.culprit.releases import Resolve, later_date, pinned_trial, upload_day, versions_between
from tfjs_compat.search.culprit.suspicion import Evidence, release_weights, weights_of
from tfjs_compat.search.culprit.trials import Trials, trial_of
from tfjs_compat.search.ddmin import ddmin
from tfjs_compat.search.least_satisfying import TRUSTED, least_satisfying

_FLAKY = 0.15
_ENOUGH, _MOST_ASKED = 2, 7
"""Of flaky trials: by how many one answer has to outnumber the other, and how often one is asked at most."""


class Ends(msgspec.Struct, frozen=True):
    """The two trials, with what their packages say of themselves."""

    good: Planned
    bad: Planned
    good_packages: EndPackages
    bad_packages: EndPackages


class Blamed(msgspec.Struct, frozen=True):
    """What the search found: see Explanation. ``pair`` are the last two trials, the good one first."""

    culprits: tuple[Culprit, ...]
    changes: tuple[Change, ...]
    unsure: tuple[Change, ...]
    minimal: bool
    exact: bool
    also: tuple[VersionChange, ...]
    pair: tuple[Planned, Planned]
    confidence: float
    complete: bool


class CulpritSearch:
    """Searches between two ends. ``flaky``: one trial gave two answers, so that answers are asked for again."""

    def __init__(
        self,
        ends: Ends,
        question: Question | Shows,
        evidence: Evidence,
        trials: Trials,
        resolve: Resolve,
        releases_of: Callable[[str], Sequence[Release]],
        jobs: int = 1,
    ) -> None:
        self._ends, self._question, self._evidence, self._trials = ends, question, evidence, trials
        self._resolve, self._releases_of, self._jobs = resolve, releases_of, jobs
        self._changes = changes_between(ends.good, ends.bad)
        self._dependencies = Dependencies(self._changes, ends.good_packages, ends.bad_packages)
        given = (self._changes, evidence, ends.good_packages, ends.bad_packages)
        self._weights = dict(zip(self._changes, weights_of(*given), strict=True))
        self._unknown: set[str] = set()
        self._answers: dict[str, list[Answer]] = {}
        self.flaky = False

    @property
    def unknown(self) -> int:
        """How many candidates could not be decided."""
        return len(self._unknown)

    def run(self) -> Blamed | None:
        """Search, and confirm what was found by a second run of the last two trials; again where they contradict.

        None where the ends are so flaky that repeating them shows nothing.
        """
        blamed = self._search()
        if not blamed.complete or self._confirmed(blamed.pair):
            return blamed
        self.flaky = True
        ends = [self._surely(end) for end in (self._ends.good, self._ends.bad)]
        if None not in ends and ends != [Answer.NO, Answer.YES]:
            return None
        return self._search()

    # ------------------------------------------------------------------------------------------------------- answers

    def _ask(self, planned: Sequence[Planned | None]) -> list[Answer | None]:
        """The answer of each trial; unknown for what cannot be, None for what a stop kept from being asked."""
        real = [item for item in planned if item is not None]
        answers = iter([self._surely(item) for item in real] if self.flaky else self._first_answers(real))
        return [Answer.UNKNOWN if item is None else next(answers) for item in planned]

    def _first_answers(self, planned: Sequence[Planned]) -> list[Answer | None]:
        found: list[Answer | None] = []
        for item, result in zip(planned, self._trials.ask(planned), strict=True):
            answer = self._question.answer(result) if result is not None else None
            if answer is not None:
                self._record(item, answer)
            found.append(answer)
        return found

    def _again(self, item: Planned) -> Answer | None:
        (result,) = self._trials.ask([item], again=bool(self._answers.get(trial_of(item))))
        if result is None:
            return None
        self._record(item, self._question.answer(result))
        return self._answers[trial_of(item)][-1]

    def _surely(self, item: Planned) -> Answer | None:
        """The answer that outnumbers the other, of a trial that is asked until one does."""
        answers = self._answers.setdefault(trial_of(item), [])
        while True:
            yes, no = answers.count(Answer.YES), answers.count(Answer.NO)
            if abs(yes - no) >= _ENOUGH:
                return Answer.YES if yes > no else Answer.NO
            if len(answers) >= _MOST_ASKED or (answers and not yes + no):
                return Answer.UNKNOWN
            if self._again(item) is None:
                return None

    def _record(self, item: Planned, answer: Answer) -> None:
        known = self._answers.setdefault(trial_of(item), [])
        known.append(answer)
        if answer is Answer.UNKNOWN:
            self._unknown.add(trial_of(item))

    def _confirmed(self, pair: tuple[Planned, Planned]) -> bool:
        """Whether the last two trials answer no and yes again."""
        results = self._trials.ask(pair, again=True)
        answers = [self._question.answer(result) if result is not None else None for result in results]
        for item, answer in zip(pair, answers, strict=True):
            if answer is not None:
                self._record(item, answer)
        return not any(
            answer is not None and answer is not expected
            for answer, expected in zip(answers, (Answer.NO, Answer.YES), strict=True)
        )

    # -------------------------------------------------------------------------------------------------------- search

    def _search(self) -> Blamed:
        groups, dependencies = self._dependencies.groups(), self._dependencies
        good, bad = self._ends.good, self._ends.bad

        def candidate(subset: frozenset[tuple[Change, ...]]) -> Planned | None:
            return mixture(good, bad, dependencies.closure(change for group in subset for change in group))

        smallest = ddmin(
            groups,
            lambda subsets: self._ask([candidate(subset) for subset in subsets]),
            [max(self._weights[change] for change in group) for group in groups],
            self._jobs,
            lambda subsets: self._trials.prepare([functools.partial(candidate, subset) for subset in subsets]),
        )
        chosen = dependencies.closure(change for group in smallest.changes for change in group)
        minimal, complete, exact = smallest.minimal, smallest.complete, False
        unsure = tuple(change for group in smallest.unknown for change in group)
        if complete and len(chosen) > len(smallest.changes):
            # Some came along only because the resolver would have it so.
            within = ddmin(
                chosen,
                lambda subsets: self._ask([mixture(good, bad, subset) for subset in subsets]),
                [self._weights[change] for change in chosen],
                self._jobs,
            )
            complete, minimal, unsure = within.complete, within.minimal, within.unknown
            exact = set(dependencies.closure(within.changes)) != set(within.changes)
            chosen = within.changes
        found = self._narrowed(chosen, unsure, exact=exact, complete=complete)
        return msgspec.structs.replace(found, minimal=minimal)

    def _joined(self, chosen: Sequence[Change]) -> list[tuple[Change, ...]]:
        """The chosen changes, those together that cannot be made apart."""
        parts: list[set[Change]] = []
        for change in chosen:
            bound = {*self._dependencies.closure([change])} & {*chosen} | {change}
            touching = [part for part in parts if part & bound]
            parts = [part for part in parts if not part & bound] + [bound.union(*touching)]
        return sorted((tuple(c for c in chosen if c in part) for part in parts), key=lambda part: chosen.index(part[0]))

    def _narrowed(self, chosen: Sequence[Change], unsure: Sequence[Change], *, exact: bool, complete: bool) -> Blamed:
        """Narrow each part of the chosen changes. What is ``unsure`` is made too, and blamed only if everything is."""
        good, bad = self._ends.good, self._ends.bad
        every = mixture(good, bad, chosen if exact else self._dependencies.closure(chosen)) or bad
        parts = self._joined(chosen)
        blamed = [part for part in parts if not {*part} <= {*unsure}] or parts
        left = tuple(change for part in parts if part not in blamed for change in part)
        culprits: list[Culprit] = []
        pair, also, confidence = (good, every), tuple[VersionChange, ...](), 1.0
        for part in blamed:
            others = [change for change in chosen if change not in part]
            below = mixture(good, bad, others if exact else self._dependencies.closure(others)) or good
            found = self._narrow(part, below, every) if complete else _Narrowed(part, below, every)
            complete, exact = complete and found.complete, exact or found.exact
            confidence = min(confidence, found.confidence)
            pair = (found.below, found.above)
            culprits.append(self._culprit(found))
            names = {change.name for change in part}
            if isinstance(found.below.lock, Lock) and isinstance(found.above.lock, Lock):
                moved = difference(found.below.lock.packages, found.above.lock.packages).changes
                also = (*also, *(change for change in moved if change.name not in names and change not in also))
        return Blamed(tuple(culprits), self._changes, left, False, exact, also, pair, confidence, complete)

    def _culprit(self, found: _Narrowed) -> Culprit:
        part = found.part
        if len(part) == 1 and part[0].kind != "package":
            change = part[0]
            return Culprit(change.kind, change.name, change.good, change.bad)
        names = [change.name for change in part]
        before = [_value(change, found.below, change.good) for change in part]
        after = [_value(change, found.above, change.bad) for change in part]
        kind = "package" if any(change.kind == "package" for change in part) else part[0].kind
        days = [
            upload_day(after[at], self._releases_of(name)) for at, name in enumerate(names) if _is_package(part[at])
        ]
        released = max(filter(None, days), default=None)
        return Culprit(kind, "+".join(names), _join(before), _join(after), released, found.between)

    def _narrow(self, part: tuple[Change, ...], below: Planned, above: Planned) -> _Narrowed:
        """Bisect a culprit over the releases of its leading package, between two trials that answer no and yes."""
        leader = self._leader(part)
        if leader is None or leader.good is None or leader.bad is None:
            return _Narrowed(part, below, above)
        as_of = later_date(self._ends.good.case.combination.as_of, self._ends.bad.case.combination.as_of)
        python = below.python.minor
        versions = versions_between(leader.good, leader.bad, self._releases_of(leader.name), as_of, python)
        free = [change.name for change in part if change is not leader and change.kind == "package"]

        def trial(at: int) -> Planned:
            if at == 0 or at == len(versions) - 1:
                return below if at == 0 else above
            return pinned_trial(below, {leader.name: versions[at]}, free, as_of, self._resolve)

        def ask(at: int) -> Answer | None:
            # Of flaky trials the bisection itself weighs one answer against another.
            return self._again(trial(at)) if self.flaky else self._ask([trial(at)])[0]

        found = least_satisfying(
            len(versions),
            ask,
            release_weights(leader.name, versions, self._evidence),
            _FLAKY if self.flaky else TRUSTED,
            lambda upcoming: self._trials.prepare([functools.partial(trial, at) for at in upcoming]),
        )
        last, first = trial(found.no), trial(found.yes)
        alone = self._alone(part, last, first)
        return _Narrowed(part, last, alone or first, found.unknown, found.confidence, found.complete, alone is not None)

    def _alone(self, part: tuple[Change, ...], last: Planned, first: Planned) -> Planned | None:
        """The last good trial with the culprit's change alone, where the resolver changed more and that is enough."""
        names = {change.name for change in part}
        if not isinstance(last.lock, Lock) or not isinstance(first.lock, Lock):
            return None
        moved = changes_between(last, first)
        own = [change for change in moved if change.name in names]
        if len(own) == len(moved) or (exact := mixture(last, first, own)) is None:
            return None
        (answer,) = self._ask([exact])
        return exact if answer is Answer.YES else None

    def _leader(self, part: tuple[Change, ...]) -> Change | None:
        """Of packages that move together the one that is pinned, and that the others follow: the most suspect."""
        packages = [change for change in part if change.kind == "package"]
        return max(packages, key=lambda change: (self._weights[change], change.name == "tensorflow"), default=None)


class _Narrowed(msgspec.Struct, frozen=True):
    """A culprit between its last two trials, and how many releases between them could not be tested.

    ``exact``: the last is a mixture that the resolver did not give.
    """

    part: tuple[Change, ...]
    below: Planned
    above: Planned
    between: int = 0
    confidence: float = 1.0
    complete: bool = True
    exact: bool = False


def _is_package(change: Change) -> bool:
    return change.kind == "package"


def _value(change: Change, end: Planned, given: str | None) -> str | None:
    """The value of a change at one of the last two trials; only packages are narrowed."""
    return lock_of(end).packages.get(change.name) if _is_package(change) else given


def _join(values: Sequence[str | None]) -> str | None:
    return "+".join(value or "none" for value in values) if any(values) else None
