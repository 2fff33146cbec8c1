"""The oracle of the searches: resolves and runs cases for real, as far as an answer is not known already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from tfjs_compat.diagnosis.catalogue import KnownIssue
from tfjs_compat.diagnosis.certain import certain_issue, versions_are_certain
from tfjs_compat.engine.plan import Planned, resolve_all
from tfjs_compat.engine.run import Engine, run_trials
from tfjs_compat.errors import Interrupted
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest, request_of
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, case_result


class Answer(msgspec.Struct, frozen=True):
    """What is known of a case: its result; ``tried`` unless the versions of its lock told how it ends."""

    result: CaseResult
    lock: Lock | None
    tried: bool

    @property
    def works(self) -> bool:
        """Whether it was run, and agreed (or reached the stage that was asked for)."""
        asked_less = self.result.issue is None and self.result.verdict is Verdict.CONVERTS
        return self.tried and (self.result.verdict is Verdict.WORKS or asked_less)


class Oracle(Protocol):
    """Something that answers what cases come to."""

    def ask(self, cases: Sequence[Case]) -> list[Answer]:
        """The answer to each case. Raises Interrupted."""


class CaseEvaluator:
    """Answers what cases come to. Everything that an earlier run or search found out is not run again.

    ``trials`` counts the cases that were run here, ``ruled_out`` those that were not, because their lock cannot be
    resolved or is certain to fail, or because the model was not built there on another route; ``faults`` are the
    failures of the machine, which answer nothing. ``answers`` are the answers so far by the id of their case, those of a
    question that was interrupted too.
    """

    def __init__(
        self,
        engine: Engine,
        found: Sequence[Interpreter],
        *,
        process_env: Mapping[str, dict[str, str]] | None = None,
        source_builds: bool = False,
        prune: bool = True,
        preferences: tuple[str, ...] = (),
        ended: Callable[[CaseResult], None] = lambda _: None,
    ) -> None:
        self._engine, self._ended = engine, ended
        self._found, self._process_env = found, dict(process_env or {})
        self._source_builds, self._prune, self._preferences = source_builds, prune, preferences
        self.trials = self.kept = self.ruled_out = 0
        self.faults: list[str] = []
        self._unbuilt: dict[tuple[object, ...], CaseResult] = {}
        self.answers: dict[str, Answer] = {}

    def ask(self, cases: Sequence[Case]) -> list[Answer]:
        """The answer to each case. Raises MachineryError where nothing can be run at all, Interrupted."""
        requests = [self.run_request(case) for case in cases]
        locks = resolve_all(requests, self._engine.context, self._engine.jobs)
        planned = [
            Planned(case, request.python, locks[request], self._variables(case))
            for case, request in zip(cases, requests, strict=True)
        ]
        told = {one.case.id: issue for one in planned if self._prune and (issue := _certain(one)) is not None}
        known = {one.case.id: found for one in planned if (found := self._elsewhere(one)) is not None}
        todo = tuple(one for one in planned if one.case.id not in {*told, *known})
        ended = run_trials(todo, self._engine, self._ended)
        by_id = {**known, **ended.results}
        for one in planned:
            answer = self._answer(one, told.get(one.case.id), by_id, elsewhere=one.case.id in known)
            if answer is not None:
                self.answers[one.case.id] = answer
        if any(one.case.id not in self.answers for one in planned):
            # The run was stopped before their turn came.
            raise Interrupted
        return [self.answers[one.case.id] for one in planned]

    def _elsewhere(self, planned: Planned) -> CaseResult | None:
        """What the model came to on another route in the same environment, where it was not built: routes part after
        that."""
        found = self._unbuilt.get(_building(planned)) if self._prune else None
        if found is None or found.id == planned.case.id:
            return None
        return msgspec.structs.replace(found, id=planned.case.id, route=planned.case.route.name, cached=False)

    def run_request(self, case: Case) -> ResolveRequest:
        python = choose(case.combination.python, self._found)
        request = request_of(case.combination, python, source_builds=self._source_builds)
        return msgspec.structs.replace(request, preferences=self._preferences)

    def _variables(self, case: Case) -> dict[str, str]:
        return process_variables(case.combination.process_env, self._process_env)

    def _answer(
        self, planned: Planned, issue: KnownIssue | None, by_id: Mapping[str, CaseResult], *, elsewhere: bool
    ) -> Answer | None:
        lock = planned.lock if isinstance(planned.lock, Lock) else None
        if issue is not None and lock is not None:
            self.ruled_out += 1
            return Answer(_foretold(planned.case, issue, lock, self._engine.options.until), lock, tried=False)
        result = by_id.get(planned.case.id)
        if result is None:
            return None
        if result.verdict is Verdict.ERROR:
            self.faults.append(result.message)
        elif elsewhere or isinstance(planned.lock, Unresolved):
            self.ruled_out += 1
        else:
            self.trials += 1
            self.kept += result.cached
        if result.verdict is Verdict.FAILS and result.stage in (Stage.IMPORT, Stage.BUILD):
            self._unbuilt.setdefault(_building(planned), result)
        return Answer(result, lock, tried=not elsewhere)


def _building(planned: Planned) -> tuple[object, ...]:
    """What decides a case as far as its stage build. A SavedModel is opened differently by the two formats."""
    model = planned.case.model
    apart = planned.case.route.format if model.kind is Kind.SAVED_MODEL else ""
    lock = planned.lock.id if isinstance(planned.lock, Lock) else ""
    return (lock, planned.python.tag, tuple(sorted(planned.variables.items())), model.digest, model.ref, apart)


def _certain(planned: Planned) -> KnownIssue | None:
    lock = planned.lock
    return certain_issue(lock.packages, lock.resolved()["python"]) if isinstance(lock, Lock) else None


def _foretold(case: Case, issue: KnownIssue, lock: Lock, until: Stage) -> CaseResult:
    """The result of a case that was not run, because its versions tell how it ends."""
    given = {**lock.packages, "python": lock.resolved()["python"]}
    versions = next(one for one in issue.certain_for if versions_are_certain(one, given))
    told = ", ".join(f"{name} {given[name]}" for name in versions)
    failure = Failure(issue.stages[0], f"not run: {told} always ends so ({issue.title})")
    outcome = Outcome(issue.stages[0], failure, resolved=lock.resolved(), lock=lock.id)
    result = case_result(case, outcome, until)
    titles = tuple(remedy.title for remedy in issue.remedies)
    return msgspec.structs.replace(result, issue=issue.id, issues=(issue.id,), remedies=titles)
