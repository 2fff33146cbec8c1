"""Cases that need not be run, because it is known how they end. Pure."""

from __future__ import annotations

import msgspec

from tfjs_compat.diagnosis.catalogue import KnownIssue
from tfjs_compat.diagnosis.certain import certain_issue, versions_are_certain
from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, case_result


def certain_failure(planned: Planned, until: Stage) -> CaseResult | None:
    """The result of a case whose lock is certain to run into a known issue; None where it is not, or has no lock."""
    lock = planned.lock
    issue = certain_issue(lock.packages, lock.resolved()["python"]) if isinstance(lock, Lock) else None
    return _certain_result(planned.case, issue, lock, until) if issue is not None and isinstance(lock, Lock) else None


def _certain_result(case: Case, issue: KnownIssue, lock: Lock, until: Stage) -> CaseResult:
    given = {**lock.packages, "python": lock.resolved()["python"]}
    versions = next(versions for versions in issue.certain_for if versions_are_certain(versions, given))
    named = ", ".join(f"{name} {given[name]}" for name in versions)
    failure = Failure(issue.stages[0], f"not run: {named} always ends so ({issue.title})")
    outcome = Outcome(issue.stages[0], failure, resolved=lock.resolved(), lock=lock.id)
    titles = tuple(remedy.title for remedy in issue.remedies)
    return msgspec.structs.replace(
        case_result(case, outcome, until), issue=issue.id, issues=(issue.id,), remedies=titles
    )


class UnbuiltModels:
    """What models came to that were not built in an environment: routes part after that, so that each ends there."""

    def __init__(self) -> None:
        self._results: dict[tuple[object, ...], CaseResult] = {}

    def record(self, planned: Planned, result: CaseResult) -> None:
        """Remember a result, if it is of such a model."""
        if result.verdict is Verdict.FAILS and result.stage in (Stage.IMPORT, Stage.BUILD):
            self._results.setdefault(_build_key(planned), result)

    def result_of(self, planned: Planned) -> CaseResult | None:
        """The result of a case, out of one on another route in the same environment; None where there is none."""
        found = self._results.get(_build_key(planned))
        if found is None or found.id == planned.case.id:
            return None
        return msgspec.structs.replace(found, id=planned.case.id, route=planned.case.route.name, cached=False)


def _build_key(planned: Planned) -> tuple[object, ...]:
    """What decides a case as far as its stage build. A SavedModel is opened differently by the two formats."""
    model = planned.case.model
    apart = planned.case.route.format if model.kind is Kind.SAVED_MODEL else ""
    lock = planned.lock.id if isinstance(planned.lock, Lock) else ""
    return (lock, planned.python.tag, tuple(sorted(planned.variables.items())), model.digest, model.ref, apart)
