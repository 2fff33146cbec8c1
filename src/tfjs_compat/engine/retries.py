"""Run again what may have ended by chance: faults of the machinery, and cases that ended otherwise than before.

Each retry is a run of its own, afresh, with files of its own (OUTPUT/retries/N). No outcome is averaged: a case that
ends in two ways is flaky, keeps both, and counts as the one that ended worst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from tfjs_compat.engine import cache
from tfjs_compat.engine.coordinator import run_trials
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Plan, Planned, resolve_all
from tfjs_compat.errors import Interrupted
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.locks import resolver
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import Attempt, CaseResult, Results
from tfjs_compat.results.comparison import Kind, kind_of
from tfjs_compat.results.journal import Journal
from tfjs_compat.results.plan_file import read_plan

_OTHERWISE = (Kind.REGRESSED, Kind.FAILS_EARLIER, Kind.OTHER_CAUSE, Kind.FAILS_LATER, Kind.FIXED)
RETRIES = "retries"


def with_retries(
    results: Results, plan: Plan, engine: Engine, retries: int, baseline: Results | None = None
) -> Results:
    """The results after up to ``retries`` more runs of each case that ``may_be_chance``; each is journalled.

    Where the run is stopped meanwhile, the results are not complete. Raises MachineryError.
    """
    before = {case.id: case for case in baseline.cases} if baseline is not None else {}
    runs = {case.id: [case] for case in results.cases}
    locks = dict(results.locks)
    for number in range(1, retries + 1):
        todo = [planned for planned in plan.cases if may_be_chance(runs[planned.case.id], before, results.until)]
        if not todo or engine.context.stop.is_set():
            break
        try:
            again = _resolved_again(todo, plan, engine)
        except Interrupted:
            break
        locks |= {planned.lock.id: planned.lock.packages for planned in again if isinstance(planned.lock, Lock)}
        for result in _run_afresh(again, engine, f"{RETRIES}/{number}"):
            runs[result.id].append(result)
    cases = tuple(of_all_runs(runs[case.id]) for case in results.cases)
    _keep(cases, results, engine)
    complete = results.complete and not engine.context.stop.is_set()
    return msgspec.structs.replace(results, cases=cases, locks=locks, complete=complete)


def _run_afresh(planned: Sequence[Planned], engine: Engine, place: str) -> Iterator[CaseResult]:
    """The results of another run, its files in a folder of the output folder."""
    options = msgspec.structs.replace(engine.options, fresh=True)
    afresh = replace(engine, output=engine.output / place, options=options)
    for result in run_trials(planned, afresh).results.values():
        log = f"{place}/{result.log}" if result.log is not None else None
        yield msgspec.structs.replace(result, log=log)


def _keep(cases: Sequence[CaseResult], results: Results, engine: Engine) -> None:
    """Journal what came of the retries; forget the kept outcomes of flaky cases, which are half of the truth."""
    planned = read_plan(engine.output)
    journal = Journal(engine.output)
    try:
        for case in cases:
            if case.attempts:
                journal.append(case, results.seconds, planned.run if planned is not None else "")
            if case.flaky:
                cache.forget(engine.output / "cases" / case.trial, engine.context.store)
    finally:
        journal.close()


def may_be_chance(runs: Sequence[CaseResult], before: Mapping[str, CaseResult], until: Stage = Stage.PREDICT) -> bool:
    """Whether a case that was run so often is to be run again: every run was a fault, or it ended unlike before."""
    so_far = of_all_runs(runs)
    if so_far.verdict is Verdict.ERROR:
        return True
    earlier = before.get(so_far.id)
    return not so_far.flaky and earlier is not None and kind_of(earlier, so_far, until) in _OTHERWISE


def of_all_runs(runs: Sequence[CaseResult]) -> CaseResult:
    """One result of all runs of a case: the one that ended worst, with every run as an attempt.

    A fault of the machinery counts only where there is nothing else.
    """
    if len(runs) == 1:
        return runs[0]
    known = [run for run in runs if run.verdict is not Verdict.ERROR]
    worst = min(known, key=_how_well) if known else runs[-1]
    attempts = tuple(Attempt(**{name: getattr(run, name) for name in Attempt.__struct_fields__}) for run in runs)
    return msgspec.structs.replace(worst, attempts=attempts)


def _how_well(result: CaseResult) -> tuple[int, int]:
    return {Verdict.WORKS: 2, Verdict.CONVERTS: 1}.get(result.verdict, 0), result.stage.rank


def _resolved_again(todo: Sequence[Planned], plan: Plan, engine: Engine) -> Sequence[Planned]:
    """The cases, those without a lock with the answer to their request asked anew."""
    if all(isinstance(planned.lock, Lock) for planned in todo):
        return todo
    found = find_interpreters(engine.context.store)
    source_builds = plan.matrix.requirements.source_builds
    requests = {
        planned.case.id: resolver.request_of(planned.case.combination, found, source_builds=source_builds)
        for planned in todo
        if not isinstance(planned.lock, Lock)
    }
    answers = resolve_all(list(requests.values()), engine.context, engine.jobs, fresh=True)
    return [
        msgspec.structs.replace(planned, lock=answers[requests[planned.case.id]])
        if planned.case.id in requests
        else planned
        for planned in todo
    ]
