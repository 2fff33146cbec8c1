"""Cases that need not be run, because it is known how they end. Pure."""

from __future__ import annotations

import msgspec

from tfjs_compat.diagnosis.catalogue import KnownIssue
from tfjs_compat.diagnosis.certain import certain_issue, versions_are_certain
from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import DEFAULT, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, case_result
from tfjs_compat.search.endings import keras_generation


def certain_failure(planned: Planned, until: Stage) -> CaseResult | None:
    """The result of a case whose lock is certain to run into a known issue; None where it is not, or has no lock."""
    lock = planned.lock
    issue = certain_issue(lock.packages, lock.python.version) if isinstance(lock, Lock) else None
    return _certain_result(planned.case, issue, lock, until) if issue is not None and isinstance(lock, Lock) else None


def _certain_result(case: Case, issue: KnownIssue, lock: Lock, until: Stage) -> CaseResult:
    given = {**lock.packages, "python": lock.python.version}
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
            self._results.setdefault(build_key(planned), result)

    def result_of(self, planned: Planned) -> CaseResult | None:
        """The result of a case, out of one on another route in the same environment; None where there is none."""
        found = self._results.get(build_key(planned))
        if found is None or found.id == planned.case.id:
            return None
        return msgspec.structs.replace(found, id=planned.case.id, route=planned.case.route.name, cached=False)


class IndifferentModels:
    """Models that take no notice of legacy-keras: their code imports ``keras``, which is Keras 3 whatever tf.keras is.

    What such a model comes to with legacy-keras is what it comes to without.
    """

    def __init__(self) -> None:
        self._indifferent: set[tuple[object, ...]] = set()
        self._results: dict[tuple[object, ...], CaseResult] = {}

    def record(self, planned: Planned, result: CaseResult) -> None:
        """Remember a result: what the model came to, and whether it took notice."""
        if is_indifferent(result):
            self._indifferent.add(_model_key(planned))
        self._results.setdefault(_apart_from_legacy(planned), result)

    def result_of(self, planned: Planned) -> CaseResult | None:
        """The result of a case with legacy-keras, out of the same without; None where there is none."""
        combination = planned.case.combination
        if not _with_legacy(combination) or _model_key(planned) not in self._indifferent:
            return None
        found = self._results.get(_apart_from_legacy(planned))
        if found is None or found.id == planned.case.id:
            return None
        return msgspec.structs.replace(found, id=planned.case.id, combination=combination, cached=False)


def is_indifferent(result: CaseResult) -> bool:
    """Whether a model is of Keras 3 whatever legacy-keras says: it was built so although that was set, or by code that
    takes Keras by ``import keras`` alone. Before it is built, nobody knows."""
    built = result.stage.rank > Stage.BUILD.rank and keras_generation(result) == "3"
    return built and (_with_legacy(result.combination) or result.keras_alone)


def _with_legacy(combination: Combination) -> bool:
    return "legacy-keras" in combination.process_env.split("+")


def _model_key(planned: Planned) -> tuple[object, ...]:
    lock = planned.lock.id if isinstance(planned.lock, Lock) else ""
    return (lock, planned.python.tag, planned.case.model.digest, planned.case.model.ref)


def _apart_from_legacy(planned: Planned) -> tuple[object, ...]:
    others = sorted(set(planned.case.combination.process_env.split("+")) - {"legacy-keras", DEFAULT})
    return (*_model_key(planned), planned.case.route.name, *others)


def build_key(planned: Planned) -> tuple[object, ...]:
    """What decides a case as far as its stage build. A SavedModel is opened differently by the two formats."""
    model = planned.case.model
    apart = planned.case.route.format if model.kind is Kind.SAVED_MODEL else ""
    lock = planned.lock.id if isinstance(planned.lock, Lock) else ""
    return (lock, planned.python.tag, tuple(sorted(planned.variables.items())), model.digest, model.ref, apart)
