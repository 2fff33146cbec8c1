"""A failing case of earlier results, or of a run that is made for it, with what it was run with."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.models import Model
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.routes import Route, find_route
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.selection import find_case
from tfjs_compat.system.files import read_regular
from tfjs_compat.system.progress import Progress
from tfjs_compat.workflows.ends import kept_lock, model_of, variables_of
from tfjs_compat.workflows.report import results_of
from tfjs_compat.workflows.run import run

_NAMED = 8


class FailingCase(msgspec.Struct, frozen=True):
    """A case that fails or predicts other numbers.

    ``lock`` is None where nothing could be resolved; ``folder`` holds the trial's files, ``output`` the run's;
    ``started`` is when the run began, ``machine`` where, ``permissions`` what its models were allowed.
    """

    result: CaseResult
    model: Model
    route: Route
    lock: Lock | None
    variables: dict[str, str]
    output: Path
    started: str
    machine: dict[str, str]
    permissions: Permissions = Permissions()

    @property
    def folder(self) -> Path:
        """Where the trial's log, artifact and tensors are."""
        return self.output / "cases" / self.result.trial

    @property
    def log(self) -> str:
        """The text of the trial's log; empty where there is none."""
        if self.result.log is None:
            return ""
        try:
            return read_regular(self.output / self.result.log).decode("utf-8", "replace")
        except OSError:
            return ""


def failing_case(
    name: str | None,
    results: Path,
    request: RunRequest,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> FailingCase | None:
    """The case that ``name`` means among ``results`` (the folder of a run); without a name the one that the request
    runs, in that folder. None where nothing that the request runs fails.

    Raises RequestError where it is not one case, did not fail, or its model is not what was run; MachineryError,
    Interrupted.
    """
    if name is None:
        found = run(request, progress, stop)
        case = _only_failing(found)
        return None if case is None else _with_inputs(case, found, request.output)
    found, output = results_of(results, request.store)
    return _with_inputs(_require_failing(find_case(found, name)), found, output)


def _only_failing(results: Results) -> CaseResult | None:
    if not results.complete:
        raise Interrupted
    failing = [case for case in results.cases if case.verdict in (Verdict.FAILS, Verdict.MISMATCH)]
    faults = [case for case in results.cases if case.verdict is Verdict.ERROR]
    if not failing and faults:
        raise MachineryError(f"{faults[0].id}: {faults[0].message}")
    if len(failing) > 1:
        listed = "\n".join(f"  {case.id}" for case in failing[:_NAMED])
        raise RequestError(f"{len(failing)} cases of this run fail\nhint: name one of them:\n{listed}")
    return failing[0] if failing else None


def _require_failing(case: CaseResult) -> CaseResult:
    if case.verdict is Verdict.ERROR:
        raise RequestError(f"{case.id}: the machine failed, which says nothing of the case: {case.message}")
    if case.verdict not in (Verdict.FAILS, Verdict.MISMATCH):
        raise RequestError(f"{case.id}: {case.verdict}: there is no failure to show\nhint: name a case that fails")
    return case


def _with_inputs(case: CaseResult, results: Results, output: Path) -> FailingCase:
    model, variables = model_of(case), variables_of(case)
    lock = kept_lock(case.lock, output) if case.lock is not None else None
    route = find_route(case.route)
    return FailingCase(
        case, model, route, lock, variables, output, results.started, results.machine, results.permissions
    )
