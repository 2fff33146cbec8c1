"""A case evaluator whose resolver and runner are functions of a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from support.samples import interpreters, lock
from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.evaluator import CaseEvaluator, Run


def evaluator(
    run: Run, resolved: Callable[[ResolveRequest], Lock | Unresolved | str] = lambda _: lock(19), **options: Any
) -> CaseEvaluator:
    """``resolved`` answers each request; every case gets the lock of TensorFlow 2.19 where it is not given."""

    def resolve(requests: Sequence[ResolveRequest]) -> Mapping[ResolveRequest, Lock | Unresolved | str]:
        return {request: resolved(request) for request in requests}

    return CaseEvaluator(resolve, run, interpreters("3.11.7"), **options)


class NotingRun:
    """Runs cases by a function, and notes the routes of those that it was given to run."""

    def __init__(self, end: Callable[[Planned], CaseResult]) -> None:
        self.end, self.routes = end, list[str]()

    def __call__(self, cases: Sequence[Planned], settles: Callable[[CaseResult], bool]) -> Sequence[CaseResult]:
        results = []
        for planned in cases:
            self.routes.append(planned.case.route.name)
            results.append(self.end(planned))
            if settles(results[-1]):
                break
        return results
