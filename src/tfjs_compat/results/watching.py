"""What a watch knows from its last run, what of it still holds, and what is news. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Change, Comparison, Kind

NEWS = frozenset(
    {Kind.REGRESSED, Kind.FIXED, Kind.FAILS_EARLIER, Kind.FAILS_LATER, Kind.OTHER_CAUSE, Kind.FLAKY, Kind.NEW}
)
"""The kinds of change that a watch speaks of: another verdict, another cause, a case that was not there."""

TO_EXPLAIN = frozenset({Kind.REGRESSED, Kind.FAILS_EARLIER, Kind.OTHER_CAUSE})


def still_holds(last: CaseResult | None, lock: str | None, model_digest: str, *, same_tool: bool) -> bool:
    """Whether the last result of a case is what running it again would come to.

    It is where the case resolves to the same lock, its model holds the same, and the tool that judges is the same. A
    case without a lock is never taken over: its conflict is known once it is resolved, and nothing is run.
    """
    return (
        last is not None
        and same_tool
        and last.verdict is not Verdict.ERROR
        and lock is not None
        and last.lock == lock
        and last.model_digest == model_digest
    )


def news(comparison: Comparison) -> tuple[Change, ...]:
    """The changes that a watch speaks of, worst first. That a case ends by chance is news once."""
    return tuple(
        change
        for change in comparison.of(NEWS)
        if change.kind is not Kind.FLAKY or change.before is None or not change.before.flaky
    )


def next_state(last: Results | None, now: Results, current: Collection[str]) -> Results:
    """What the next watch compares with: of each case its newest result that says something.

    ``current`` are the ids of the cases that the matrix has now. A fault of the machinery leaves what was known before;
    so does a run that was stopped. A case that has left the matrix is forgotten.
    """
    known = {case.id: case for case in last.cases} if last is not None else {}
    found = {**known, **{case.id: case for case in now.cases if case.verdict is not Verdict.ERROR}}
    order = list(dict.fromkeys([*(case.id for case in now.cases), *known]))
    cases = tuple(found[name] for name in order if name in found and name in current)
    return msgspec.structs.replace(
        now, cases=cases, complete=True, planned=len(cases), locks=used_locks(cases, last, now)
    )


def used_locks(cases: Iterable[CaseResult], *runs: Results | None) -> dict[str, dict[str, str]]:
    """What the locks of cases pin, by their ids, as one of the runs knows it."""
    known = {name: packages for run in runs if run is not None for name, packages in run.locks.items()}
    used = {case.lock for case in cases}
    return {name: packages for name, packages in known.items() if name in used}
