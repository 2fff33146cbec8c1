"""The exit code of each command: the one place that decides it.

0 as expected · 1 not as expected (``find``, ``convert``, ``repair``: nothing found) · 2 the request is wrong · 3 the
machinery failed · 130 interrupted. A run with both 1 and 3 exits 3.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from tfjs_compat.errors import Interrupted, RequestError

if TYPE_CHECKING:
    from tfjs_compat.engine.plan import Plan
    from tfjs_compat.environments.verification import Verified
    from tfjs_compat.results.artifact_report import ArtifactReport
    from tfjs_compat.results.case_result import Results
    from tfjs_compat.results.comparison import Comparison
    from tfjs_compat.results.merge import Merged
    from tfjs_compat.search.culprit.explanation import Explanation
    from tfjs_compat.workflows.check_reproduction import Checked
    from tfjs_compat.workflows.doctor import DoctorFinding
    from tfjs_compat.workflows.find import Found
    from tfjs_compat.workflows.reduce import Irreducible, ReducedCase
    from tfjs_compat.workflows.repair import RepairReport
    from tfjs_compat.workflows.repro import Written
    from tfjs_compat.workflows.watch import Watched

OK, UNEXPECTED, WRONG_REQUEST, MACHINERY, INTERRUPTED = 0, 1, 2, 3, 130


def of_results(results: Results, comparison: Comparison | None = None, fail_on: Collection[str] = frozenset()) -> int:
    """The exit code of a run: interrupted where it did not come to its end.

    With a comparison, ``fail_on`` (kinds of change) decides on what the baseline knows, and the matrix on what is new.
    """
    if not results.complete:
        return INTERRUPTED
    if any(case.verdict == "error" for case in results.cases):
        return MACHINERY
    from tfjs_compat.api import failures

    return UNEXPECTED if failures(results, comparison, fail_on) else OK


def of_comparison(comparison: Comparison, fail_on: Collection[str]) -> int:
    """The exit code of a comparison: whether a case is of a kind that counts as a failure."""
    return UNEXPECTED if any(change.kind in fail_on for change in comparison.changes) else OK


def of_watch(watched: Watched) -> int:
    """The exit code of a watch: 1 where there is news."""
    if not watched.results.complete:
        return INTERRUPTED
    if any(case.verdict == "error" for case in watched.results.cases):
        return MACHINERY
    return UNEXPECTED if watched.news else OK


def of_merged(merged: Merged) -> int:
    """The exit code of ``merge``: what is missing says nothing of versions."""
    return MACHINERY if merged.lost else of_results(merged.results)


def of_plan(plan: Plan) -> int:
    """The exit code of a plan. A case without a lock is an answer; a text in a lock's place says what failed."""
    return MACHINERY if any(isinstance(planned.lock, str) for planned in plan.cases) else OK


def of_artifact(report: ArtifactReport) -> int:
    """The exit code of a check: whether anything wrong was found."""
    return OK if report.verdict in ("works", "converts") else UNEXPECTED


def of_search(found: Found) -> int:
    """The exit code of ``find`` and ``convert``: an interrupted search is no answer, even if it found something."""
    if found.interrupted:
        return INTERRUPTED
    return OK if found.found else UNEXPECTED


def of_explanation(found: Explanation) -> int:
    """The exit code of ``explain``: an interrupted search is no answer, even if it has a culprit."""
    if found.interrupted:
        return INTERRUPTED
    return OK if found.found else UNEXPECTED


def of_repair(report: RepairReport) -> int:
    """The exit code of a repair: whether the target was written."""
    return OK if report.written else UNEXPECTED


def of_reproduction(written: Written | None) -> int:
    """The exit code of ``repro``: whether there was a failure to show."""
    return OK if written is not None else UNEXPECTED


def of_reduced(reduced: ReducedCase | Irreducible | None) -> int:
    """The exit code of ``reduce``: interrupted where it was, whatever was written."""
    if reduced is None or not hasattr(reduced, "ended"):
        return UNEXPECTED
    return INTERRUPTED if reduced.ended == "interrupted" else OK


def of_checked(checked: Checked) -> int:
    """The exit code of ``repro --check``: whether the failure showed."""
    return OK if checked.confirmed else UNEXPECTED


def of_doctor(findings: Sequence[DoctorFinding]) -> int:
    """The exit code of ``doctor``: whether anything would stop a run."""
    return MACHINERY if any(finding.status == "bad" for finding in findings) else OK


def of_verified(verified: Verified) -> int:
    """The exit code of ``env verify``: whether all of the store is whole now."""
    return MACHINERY if any(mended.unmended is not None for mended in verified.damaged) else OK


def of_error(error: BaseException) -> int:
    """The exit code of a command that an exception ended. A fault of our own is the machinery's, never a case's."""
    if isinstance(error, click.exceptions.Abort | Interrupted | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, click.ClickException | RequestError):
        return WRONG_REQUEST
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return WRONG_REQUEST
    return MACHINERY
