"""Bisect dates or the releases of a package: where does a case begin to fail, and what was released there?"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
from packaging.version import Version

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.handover.explained import explanation_text
from tfjs_compat.locks.difference import VersionChange, difference
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.culprit.changes import changes_between
from tfjs_compat.search.culprit.dates import Days, day_before, release_days
from tfjs_compat.search.culprit.explanation import Culprit, Explanation
from tfjs_compat.search.culprit.question import Ending, Question, Shows, why_not_reproduced
from tfjs_compat.search.culprit.releases import pinned_trial, upload_day, versions_between
from tfjs_compat.search.culprit.suspicion import release_weights, weights_of
from tfjs_compat.search.culprit.trials import Trials
from tfjs_compat.search.least_satisfying import Neighbours, least_satisfying
from tfjs_compat.search.oracle import answer_of
from tfjs_compat.system.progress import Progress
from tfjs_compat.workflows.culprit_search import (
    account_for,
    evidence_of,
    packages_of,
    releases_in,
    require_run,
    resolver_of,
    search_between,
)
from tfjs_compat.workflows.culprit_trials import identity_of, journalled_trials, limited_engine
from tfjs_compat.workflows.ends import plan_of_options, plan_one

WORK = "bisect"
"""The folder of a bisection in the output folder: its trials and their journal."""


@dataclass(frozen=True)
class BisectRequest:
    """What to bisect: the case that ``run_options`` mean, between two dates or two releases of a package.

    ``dates`` are two values of ``as_of``; ``package`` has ``versions``. ``signature``: what counts as failing is a part
    of a signature, or the id of a known issue; without it, how the failing end fails. ``seconds`` is the most that it
    may take, ``max_trials`` how many cases may run.
    """

    run_options: RunRequest
    dates: tuple[str, str] | None = None
    package: str | None = None
    versions: tuple[str, str] | None = None
    signature: str | None = None
    seconds: float | None = None
    max_trials: int | None = None


@dataclass(frozen=True)
class _Bisection:
    """One bisection at work. The later end of the range need not be the bad one."""

    request: BisectRequest
    engine: Engine
    trials: Trials
    base: Planned

    def ends(self, first: Planned, last: Planned) -> _Ends | Explanation:
        """The two ends, run, with the question that they pose; or why they pose none."""
        results = self.trials.ask([first, last])
        if None in results:
            return Explanation(reproduced=False, reason="it was stopped before both ends were run")
        for result in results:
            require_run(_there(result))
        before, after = map(_there, results)
        text = self.request.signature
        if text is None:
            turned = answer_of(after) is Answer.YES and answer_of(before) is not Answer.YES
            good, bad = (after, before) if turned else (before, after)
            question: Question | Shows = Question.between(good, bad)
            reason = why_not_reproduced(good, bad)
        else:
            shows = [result for result in (before, after) if Shows(text).shown_by(result)]
            turned = shows == [before]
            good, bad = (after, before) if turned else (before, after)
            question = Shows(text, bad.stage)
            reason = None if len(shows) == 1 else f"{'both ends show' if shows else 'neither end shows'} '{text}'"
            if reason is None and question.answer(good) is not Answer.NO:
                reason = f"the other end ends earlier, at {good.stage}: {good.message[:200]}"
        ending = Ending.of(bad)
        said = Explanation(
            reproduced=reason is None,
            reason=reason or "",
            signature=ending.name,
            issue=bad.issue,
            good=good,
            bad=bad,
        )
        return _Ends(first, last, turned, question, said) if reason is None else said

    def narrow(
        self, ends: _Ends, length: int, trial: Callable[[int], Planned], weights: Sequence[float]
    ) -> tuple[Neighbours, Explanation]:
        """The positions of the range that the outcome turns between, the good one first, with their results."""
        order = list(range(length))[:: -1 if ends.turned else 1]
        results: dict[int, CaseResult] = {}
        unknown = 0

        def ask(at: int) -> Answer | None:
            nonlocal unknown
            (result,) = self.trials.ask([trial(order[at])])
            if result is None:
                return None
            results[at] = result
            answer = ends.question.answer(result)
            unknown += answer is Answer.UNKNOWN
            return answer

        found = least_satisfying(
            length,
            ask,
            list(weights)[:: -1 if ends.turned else 1],
            prepare=lambda upcoming: self.trials.prepare([functools.partial(trial, order[at]) for at in upcoming]),
        )
        said = msgspec.structs.replace(
            ends.said,
            good=results.get(found.no, ends.said.good),
            bad=results.get(found.yes, ends.said.bad),
            unknown=unknown,
            confidence=found.confidence,
        )
        return found._replace(no=order[found.no], yes=order[found.yes]), said

    # --------------------------------------------------------------------------------------------------------- dates

    def dates(self, first: str, last: str) -> Explanation:
        combination, context = self.base.case.combination, self.engine.context
        route, until = self.base.case.route.name, self.engine.options.until

        def dated(day: str) -> Planned:
            return plan_one(msgspec.structs.replace(combination, as_of=day), self.base, route, until, context)

        ends = self.ends(dated(first), dated(last))
        if isinstance(ends, Explanation):
            return ends
        days = self._days(ends, first, last)
        found, said = self.narrow(ends, len(days.days), lambda at: dated(days.days[at]), days.weights)
        good_day, bad_day = days.days[found.no], days.days[found.yes]
        if not found.complete or said.good is None or said.bad is None:
            return msgspec.structs.replace(said, days=(good_day, bad_day))
        if not ends.turned and found.unknown == 0:
            # Nothing that differs was released on the days between: the day before has the lock of the good one.
            before = day_before(bad_day)
            if before > good_day and _same_lock(dated(before), dated(good_day)):
                good_day = before
        pair = (dated(days.days[found.no]), said.good), (dated(days.days[found.yes]), said.bad)
        named = search_between(said, *pair, ends.question, self.engine, self.trials)
        return msgspec.structs.replace(named, days=(good_day, bad_day), unknown=named.unknown + said.unknown)

    def _days(self, ends: _Ends, first: str, last: str) -> Days:
        good, bad = (ends.last, ends.first) if ends.turned else (ends.first, ends.last)
        assert ends.said.bad is not None
        evidence = evidence_of(ends.said.bad, self.engine)
        if not isinstance(good.lock, Lock) or not isinstance(bad.lock, Lock):
            return release_days(first, last, {}, {}, evidence)
        changes = changes_between(good, bad)
        given = (packages_of(good, self.engine), packages_of(bad, self.engine))
        suspicion = dict(zip(changes, weights_of(changes, evidence, *given), strict=True))
        releases = {
            change.name: releases_in(self.engine)(change.name) for change in changes if change.kind == "package"
        }
        return release_days(first, last, suspicion, releases, evidence)

    # ------------------------------------------------------------------------------------------------------ releases

    def releases(self, package: str, first: str, last: str) -> Explanation:
        known = releases_in(self.engine)(package)
        as_of = self.base.case.combination.as_of
        for version in (first, last):
            if not any(Version(release.version) == Version(version) for release in known):
                near = nearest(version, [release.version for release in known])
                raise RequestError(f"--range: {package} has no release '{version}'\nhint: {near}")
        versions = versions_between(first, last, known, as_of, self.base.python.minor)
        resolve = resolver_of(self.engine)

        def pinned(at: int) -> Planned:
            return pinned_trial(self.base, {package: versions[at]}, (), as_of, resolve)

        ends = self.ends(pinned(0), pinned(len(versions) - 1))
        if isinstance(ends, Explanation):
            return ends
        assert ends.said.bad is not None
        evidence = evidence_of(ends.said.bad, self.engine)
        found, said = self.narrow(ends, len(versions), pinned, release_weights(package, versions, evidence))
        good, bad = pinned(found.no), pinned(found.yes)
        if not found.complete:
            return said
        between = abs(found.yes - found.no) - 1
        bad_version = versions[found.yes]
        culprit = Culprit("package", package, versions[found.no], bad_version, upload_day(bad_version, known), between)
        also = [change for change in _moved(good, bad) if change.name != package]
        changes = changes_between(good, bad) if isinstance(good.lock, Lock) and isinstance(bad.lock, Lock) else ()
        said = msgspec.structs.replace(said, culprits=(culprit,), minimal=not also, also=tuple(also), changes=changes)
        return account_for(said, evidence, packages_of(bad, self.engine))


class _Ends(NamedTuple):
    """Two ends that pose a question; ``turned``: the first is the bad one."""

    first: Planned
    last: Planned
    turned: bool
    question: Question | Shows
    said: Explanation


def bisect(
    request: BisectRequest, progress: Progress | None = None, stop: threading.Event | None = None
) -> Explanation:
    """Where in the range the outcome turns, and the culprit there; or why there is none to name.

    Writes OUTPUT/bisect/ as it goes, and takes over what an interrupted call of the same request left there. Raises
    RequestError; MachineryError where the machine kept an end from being run.
    """
    started, options = time.monotonic(), request.run_options
    if request.dates is not None:
        options = replace(options, axes={**options.axes, "as_of": [request.dates[1]]})
    until = options.until or Stage.PREDICT
    with limited_engine(options, WORK, until, seconds=request.seconds, progress=progress, stop=stop) as limited:
        base = plan_of_options(options, limited.engine)
        asked = [*(request.dates or ()), request.package or "", *(request.versions or ()), request.signature or ""]
        identity = identity_of(base, options, "bisect", *asked)
        with journalled_trials(limited.engine, WORK, identity, request.max_trials) as (trials, _):
            bisection = _Bisection(request, limited.engine, trials, base)
            found = _run(bisection, request)
            found = msgspec.structs.replace(found, trials=trials.count, kept=trials.kept)
        ended = limited.ended or (f"after {trials.count} trials (--max-trials)" if trials.exhausted else None)
    found = msgspec.structs.replace(found, ended=ended, seconds=round(time.monotonic() - started, 3))
    return msgspec.structs.replace(found, text=explanation_text(found))


def _run(bisection: _Bisection, request: BisectRequest) -> Explanation:
    if request.dates is not None:
        return bisection.dates(*request.dates)
    assert request.package is not None
    assert request.versions is not None
    return bisection.releases(request.package, *request.versions)


def _there(result: CaseResult | None) -> CaseResult:
    assert result is not None
    return result


def _same_lock(one: Planned, other: Planned) -> bool:
    return isinstance(one.lock, Lock) and isinstance(other.lock, Lock) and one.lock.id == other.lock.id


def _moved(good: Planned, bad: Planned) -> tuple[VersionChange, ...]:
    if not isinstance(good.lock, Lock) or not isinstance(bad.lock, Lock):
        return ()
    return difference(good.lock.packages, bad.lock.packages).changes
