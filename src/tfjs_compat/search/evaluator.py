"""The oracle of the searches: resolves and runs cases for real, as far as an answer is not known already."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tfjs_compat.engine.coordinator import run_trials
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned, resolve_all
from tfjs_compat.errors import Interrupted
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest, request_of
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.search.oracle import Evaluation, answer_of
from tfjs_compat.search.pruning import IndifferentModels, UnbuiltModels, build_key, certain_failure

Resolve = Callable[[Sequence[ResolveRequest]], Mapping[ResolveRequest, Lock | Unresolved | str]]
"""Locks of requests: a lock, a proof that there is none, or what failed. Raises Interrupted."""
Run = Callable[[Sequence[Planned], Callable[[CaseResult], bool]], Sequence[CaseResult]]
"""Results of cases. The function is called with each as it comes, and says whether those that are missing are not
needed; some are missing then, or where the user stopped it."""


class CaseEvaluator:
    """Answers what cases come to. Everything that an earlier run or search found out is not run again.

    ``trials`` counts the cases that were run and answered (``kept`` of them by an earlier run), ``ruled_out`` those
    that were not run, because their lock cannot be resolved or is certain to fail, because the model was not built
    there on another route, or because it takes no notice of the Keras that is asked for.
    """

    def __init__(
        self,
        resolve: Resolve,
        run: Run,
        interpreters: Sequence[Interpreter],
        *,
        until: Stage = Stage.PREDICT,
        process_env: Mapping[str, dict[str, str]] | None = None,
        source_builds: bool = False,
        prune: bool = True,
        preferences: tuple[str, ...] = (),
        one_suffices: bool = False,
    ) -> None:
        self._one_suffices = one_suffices
        self._resolve, self._run, self._interpreters, self._until = resolve, run, interpreters, until
        self._process_env = dict(process_env or {})
        self._source_builds, self._prune, self._preferences = source_builds, prune, preferences
        self._unbuilt, self._indifferent = UnbuiltModels(), IndifferentModels()
        self.trials = self.kept = self.ruled_out = 0

    def evaluate(self, cases: Sequence[Case]) -> dict[str, Evaluation]:
        """The evaluation of each case by its id; some are missing where it was stopped before their turn.

        With ``one_suffices`` the cases come best first: as soon as one works and those before it have ended, the others
        are not needed, and what runs of them is stopped. Raises MachineryError where nothing can be run at all.
        """
        try:
            planned = self._planned(cases)
        except (Interrupted, KeyboardInterrupt):
            return {}
        found: dict[str, Evaluation] = {}
        settled = _Settled([case.id for case in cases]) if self._one_suffices else None
        while planned and not (settled is not None and settled.is_settled):
            to_run: list[Planned] = []
            for item in planned:
                if (ruled_out := self._ruled_out(item)) is not None:
                    found[item.case.id] = ruled_out
                    if settled is not None:
                        settled.record(item.case.id, ruled_out.answer)
                else:
                    to_run.append(item)
            to_run, planned = self._first_of_each(to_run)
            results = {result.id: result for result in self._run(to_run, _asking(settled))}
            for item in to_run:
                if item.case.id in results:
                    found[item.case.id] = self._evaluated(item, results[item.case.id])
            if len(results) < len(to_run):
                # It was stopped.
                break
        return found

    def _first_of_each(self, cases: Sequence[Planned]) -> tuple[list[Planned], list[Planned]]:
        """The cases to run now, and those that wait for what one of these comes to: it may end them too.

        One process of an environment runs one case after another anyway.
        """
        now: dict[object, Planned] = {}
        for item in cases:
            now.setdefault(build_key(item) if self._prune else item.case.id, item)
        return list(now.values()), [item for item in cases if item not in now.values()]

    def resolve_request(self, case: Case) -> ResolveRequest:
        """What has to be resolved for a case."""
        request = request_of(case.combination, self._interpreters, source_builds=self._source_builds)
        return msgspec.structs.replace(request, preferences=self._preferences)

    def _planned(self, cases: Sequence[Case]) -> list[Planned]:
        requests = [self.resolve_request(case) for case in cases]
        locks = self._resolve(requests)
        return [
            Planned(
                case,
                request.python,
                locks[request],
                process_variables(case.combination.process_env, self._process_env),
            )
            for case, request in zip(cases, requests, strict=True)
        ]

    def _ruled_out(self, planned: Planned) -> Evaluation | None:
        """The evaluation of a case that need not be run, or None."""
        if not self._prune or not isinstance(planned.lock, Lock):
            return None
        result = (
            certain_failure(planned, self._until)
            or self._unbuilt.result_of(planned)
            or self._indifferent.result_of(planned)
        )
        if result is None:
            return None
        self.ruled_out += 1
        return Evaluation(Answer.NO, result, planned.lock, tried=False)

    def _evaluated(self, planned: Planned, result: CaseResult) -> Evaluation:
        """What is made of the result of a case that was run."""
        lock = planned.lock if isinstance(planned.lock, Lock) else None
        answer = answer_of(result)
        if answer is Answer.UNKNOWN:
            return Evaluation(answer, result, lock, tried=False)
        if isinstance(planned.lock, Unresolved):
            self.ruled_out += 1
        else:
            self.trials += 1
            self.kept += result.cached
        self._unbuilt.record(planned, result)
        self._indifferent.record(planned, result)
        return Evaluation(answer, result, lock, tried=True)


class _Settled:
    """Whether the best of some cases that works is known, while their answers come in any order."""

    def __init__(self, best_first: Sequence[str]) -> None:
        self._best_first = best_first
        self._answers: dict[str, Answer] = {}

    def record(self, case: str, answer: Answer) -> None:
        self._answers[case] = answer

    @property
    def is_settled(self) -> bool:
        # What is unknown ranks before: it is asked once more, and what works stands whatever it says.
        known = itertools.takewhile(lambda answer: answer is not None, map(self._answers.get, self._best_first))
        return Answer.YES in known


def _asking(settled: _Settled | None) -> Callable[[CaseResult], bool]:
    if settled is None:
        return lambda _: False

    def ended(result: CaseResult) -> bool:
        settled.record(result.id, answer_of(result))
        return settled.is_settled

    return ended


def engine_evaluator(
    engine: Engine,
    interpreters: Sequence[Interpreter],
    *,
    process_env: Mapping[str, dict[str, str]] | None = None,
    source_builds: bool = False,
    prune: bool = True,
    preferences: tuple[str, ...] = (),
    one_suffices: bool = False,
    ended: Callable[[CaseResult], None] = lambda _: None,
) -> CaseEvaluator:
    """An evaluator over uv and the engine. ``ended`` is called with each result as it comes."""

    def resolve(requests: Sequence[ResolveRequest]) -> Mapping[ResolveRequest, Lock | Unresolved | str]:
        return resolve_all(requests, engine.context, engine.jobs)

    def run(cases: Sequence[Planned], settles: Callable[[CaseResult], bool]) -> Sequence[CaseResult]:
        enough = threading.Event()
        with Deadline(engine.context.stop) as within:

            def note(result: CaseResult) -> None:
                ended(result)
                if settles(result):
                    enough.set()
                    within.stop.set()

            here = dataclasses.replace(engine, context=dataclasses.replace(engine.context, stop=within.stop))
            done = run_trials(cases, here, note)
        if not done.complete and not enough.is_set():
            # The work stopped by itself.
            engine.context.stop.set()
        return list(done.results.values())

    return CaseEvaluator(
        resolve,
        run,
        interpreters,
        until=engine.options.until,
        process_env=process_env,
        source_builds=source_builds,
        prune=prune,
        preferences=preferences,
        one_suffices=one_suffices,
    )
