"""Which cases of a run a reader looks at first, and which make the run fail. Pure: the one place that decides it."""

from __future__ import annotations

from collections.abc import Collection

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Comparison, Kind

DEFAULT_FAIL_ON = frozenset((Kind.REGRESSED,))


def failures(
    results: Results, comparison: Comparison | None = None, fail_on: Collection[str] = DEFAULT_FAIL_ON
) -> frozenset[str]:
    """The ids of the cases that make a run fail. A fault of the machinery is none of them.

    Without a comparison: those that are not as the matrix expects. With one: those that changed in a way that
    ``fail_on`` names, and those that the baseline does not know and that are not as the matrix expects.
    """
    if comparison is None:
        return frozenset(case.id for case in results.cases if _is_unexpected(case))
    return frozenset(
        change.case
        for change in comparison.changes
        if change.kind in fail_on
        or (change.before is None and change.after is not None and _is_unexpected(change.after))
    )


def news(results: Results, comparison: Comparison | None = None) -> frozenset[str]:
    """The ids of the cases that stand first: what changed, or without a comparison what is not as expected; errors."""
    errors = {case.id for case in results.cases if case.verdict is Verdict.ERROR}
    if comparison is None:
        return frozenset(errors | failures(results) | {case.id for case in results.cases if case.flaky})
    return frozenset(errors | {change.case for change in comparison.changes if change.kind is not Kind.SAME})


def _is_unexpected(case: CaseResult) -> bool:
    return not case.as_expected and case.verdict is not Verdict.ERROR
