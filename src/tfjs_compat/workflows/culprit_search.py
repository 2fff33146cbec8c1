"""The search for a culprit between two ends over an engine, and what surrounds the culprit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned, releases_of, resolve_all
from tfjs_compat.environments.distributions import distributions
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.releases import Release
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.culprit.account import avoiding_constraint, links_of, requirers_of
from tfjs_compat.search.culprit.changes import Change, changes_between
from tfjs_compat.search.culprit.dependencies import EndPackages
from tfjs_compat.search.culprit.explanation import Explanation, Remedy
from tfjs_compat.search.culprit.question import Ending, Question, Shows, why_not_reproduced
from tfjs_compat.search.culprit.releases import Resolve, pinned_trial
from tfjs_compat.search.culprit.search import Blamed, CulpritSearch, Ends
from tfjs_compat.search.culprit.suspicion import Evidence, import_chain
from tfjs_compat.search.culprit.trials import Trials, built
from tfjs_compat.search.oracle import answer_of
from tfjs_compat.system.files import read_regular
from tfjs_compat.workflows.good_end import Known, find_good_end
from tfjs_compat.workflows.requested_search import RequestedSearch

WORK = "explain"
"""The folder of an explanation in the output folder: its trials and their journal."""

_MOST_LOG = 200_000
"""Bytes of a log that are read, from its end."""


def explained(
    bad: Planned,
    claimed: CaseResult | None,
    named: Planned | None,
    known: Sequence[Known],
    engine: Engine,
    trials: Trials,
    journal: Callable[[CaseResult], None],
) -> Explanation:
    """The explanation of a trial against the good end that is ``named``, or against the nearest that works.

    ``claimed`` is what an earlier run found of the bad end, ``known`` are results to take the good end from;
    ``journal`` is called with each result that does not come through ``trials``. Raises MachineryError, Interrupted.
    """
    first = trials.ask([bad, *([named] if named is not None else [])])
    if first[0] is None:
        return Explanation(reproduced=False, reason="it was stopped before the bad end was run")
    bad_result = first[0]
    require_run(bad_result)
    good: tuple[Planned, CaseResult] | None = None
    if named is not None and first[1] is not None:
        require_run(first[1])
        good = (named, first[1])
    elif named is None and answer_of(bad_result) is not Answer.YES:
        good = find_good_end(bad, bad_result, known, trials, engine, journal)
    good_result = good[1] if good is not None else None
    ending = Ending.of(bad_result)
    said = Explanation(
        reproduced=False, signature=ending.name, issue=bad_result.issue, bad=bad_result, good=good_result
    )
    reason = why_not_reproduced(good_result, bad_result) or _unlike(claimed, bad_result)
    if reason is None and good is None:
        reason = "no good end is known: neither a result, an earlier date nor a remedy works"
    if reason is not None or good is None:
        return msgspec.structs.replace(said, reason=reason or "")
    question = Question.between(good[1], bad_result)
    return search_between(
        msgspec.structs.replace(said, reproduced=True), good, (bad, bad_result), question, engine, trials
    )


def _unlike(claimed: CaseResult | None, now: CaseResult) -> str | None:
    if claimed is None or claimed.verdict is Verdict.ERROR or Ending.of(claimed).same_as(Ending.of(now)):
        return None
    return f"the last run found '{Ending.of(claimed).name}', and now it ends with '{Ending.of(now).name}'"


def require_run(result: CaseResult) -> None:
    """Raise MachineryError where the machinery kept a trial from answering."""
    if result.verdict is Verdict.ERROR:
        raise MachineryError(f"{result.id}: {result.message}")


def search_between(
    said: Explanation,
    good: tuple[Planned, CaseResult],
    bad: tuple[Planned, CaseResult],
    question: Question | Shows,
    engine: Engine,
    trials: Trials,
) -> Explanation:
    """``said``, with the culprit between two ends that pose this question, and what surrounds it."""
    if not isinstance(good[0].lock, Lock) or not isinstance(bad[0].lock, Lock):
        requested = RequestedSearch(good[0], bad[0], question, evidence_of(bad[1], engine), engine, trials)
        return requested.run(said)
    ends = Ends(good[0], bad[0], packages_of(good[0], engine), packages_of(bad[0], engine))
    if not changes_between(ends.good, ends.bad):
        return msgspec.structs.replace(said, reproduced=False, reason="the ends differ in nothing that is known")
    evidence = evidence_of(bad[1], engine)
    search = CulpritSearch(ends, question, evidence, trials, resolver_of(engine), releases_in(engine), engine.jobs)
    blamed = search.run()
    if blamed is None:
        reason = "the ends are flaky: run again and again, they do not end as they did"
        return msgspec.structs.replace(said, reproduced=False, reason=reason, flaky=True)
    found = msgspec.structs.replace(
        said,
        culprits=blamed.culprits,
        changes=blamed.changes,
        minimal=blamed.minimal,
        unsure=blamed.unsure,
        exact=blamed.exact,
        also=blamed.also,
        confidence=blamed.confidence,
        flaky=search.flaky,
        unknown=search.unknown,
    )
    if not blamed.complete:
        return found
    remedy = _remedy(blamed, ends, engine, trials)
    return msgspec.structs.replace(account_for(found, evidence, ends.bad_packages), remedy=remedy)


def account_for(found: Explanation, evidence: Evidence, bad: EndPackages) -> Explanation:
    """An explanation with what surrounds its first culprit: the chain of imports, who requires it, pages on it."""
    first = found.culprits[0]
    return msgspec.structs.replace(
        found,
        chain=import_chain(evidence, bad),
        requirers=requirers_of(first.name, bad),
        links=links_of(first, bad.distributions.get(first.name)),
    )


def packages_of(end: Planned, engine: Engine) -> EndPackages:
    """What the packages of an end say of themselves; its environment is built if it is not there."""
    environment = built(end, engine)
    return EndPackages(distributions(environment) if environment is not None else {}, end.python.version)


def evidence_of(result: CaseResult, engine: Engine) -> Evidence:
    """What a failure says of its cause, its log included."""
    try:
        log = read_regular(engine.output / (result.log or ""))[-_MOST_LOG:].decode("utf-8", "replace")
    except OSError:
        log = ""
    return Evidence.of(result, log)


def resolver_of(engine: Engine) -> Resolve:
    """uv, as the searches call it."""
    return lambda request: resolve_all([request], engine.context, 1)[request]


def releases_in(engine: Engine) -> Callable[[str], tuple[Release, ...]]:
    """The releases of a package by its name; none where the index does not know it: its wheel came from elsewhere."""

    def of(package: str) -> tuple[Release, ...]:
        try:
            return releases_of((package,), engine.context)[package]
        except MachineryError:
            return ()

    return of


def _remedy(blamed: Blamed, ends: Ends, engine: Engine, trials: Trials) -> Remedy | None:
    """What avoids the first culprit in the bad end, run there."""
    culprit = blamed.culprits[0]
    constraint = avoiding_constraint(culprit)
    if constraint is None:
        if culprit.kind == "package":
            return None
        change = str(Change(culprit.kind, culprit.name, culprit.bad, culprit.good))
        alone = len(blamed.changes) == 1
        # The good end is then the bad one with this change.
        (result,) = trials.ask([ends.good]) if alone else (None,)
        return Remedy(change, answer_of(result) is Answer.YES if result is not None else None)
    assert culprit.good is not None
    as_of = ends.bad.case.combination.as_of
    trial = pinned_trial(ends.bad, {culprit.name: culprit.good}, (), as_of, resolver_of(engine))
    (result,) = trials.ask([trial])
    if result is None:
        return Remedy(constraint, None)
    works = answer_of(result) is Answer.YES
    return Remedy(constraint, works, "" if works else f"{result.verdict} at {result.stage}: {result.message[:300]}")
