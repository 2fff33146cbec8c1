"""Run a matrix to its end: plan it, run it, write its results."""

from __future__ import annotations

import threading
import time

import msgspec

from tfjs_compat.engine.context import settings_of
from tfjs_compat.engine.executor import threads
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.plan import Plan, make_plan
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.run import run_plan
from tfjs_compat.errors import RequestError
from tfjs_compat.index.interpreters import find_interpreters
from tfjs_compat.index.releases import fetch_releases
from tfjs_compat.matrix.cases import DEFAULT
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.files import write_results
from tfjs_compat.search import cures as cure
from tfjs_compat.search.evaluator import CaseEvaluator
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.system.context import Context
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.bundle import require_releases
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version
from tfjs_compat.workflows.matrices import load_matrix


def run(request: RunRequest, progress: Progress | None = None, stop: threading.Event | None = None) -> Results:
    """Run a request to its end and write OUTPUT/results.json. Raises RequestError, MachineryError."""
    told, halt, started = progress or Silent(), stop or threading.Event(), time.monotonic()
    matrix, bases = load_matrix(request)
    if request.inputs is not None and not request.inputs.is_file():
        raise RequestError(f"--inputs: there is no file {request.inputs}")
    output = request.output.absolute()
    with lock_output(output), threads(request) as (executor, jobs):
        require_runtimes(matrix, request, halt)
        planned = make_plan(matrix, bases, request.store, executor, told, halt, only=request.only, fresh=request.fresh)
        require_runtimes(matrix, request, halt, planned)
        settings = settings_of(request, matrix.until, matrix.limits, jobs, told, halt)
        results = run_plan(planned, output, executor, jobs, settings)
        if request.try_remedies and results.complete:
            laboratory = CaseEvaluator(
                settings,
                output,
                executor,
                jobs,
                find_interpreters(request.store),
                process_env=matrix.process_env,
                source_builds=matrix.requirements.source_builds,
            )
            results = _with_cures(results, planned, laboratory, request.store, told)
        results = msgspec.structs.replace(results, seconds=round(time.monotonic() - started, 3))
        write_results(results, output)
        return results


def require_runtimes(matrix: Matrix, request: RunRequest, stop: threading.Event, plan: Plan | None = None) -> None:
    """Make sure that what runs TensorFlow.js is there, and every release that is named, before anything is resolved.

    With a plan: also those that only its cases tell, which have the converter's version number. Raises RequestError,
    MachineryError, Interrupted.
    """
    if matrix.until.rank <= Stage.CONVERT.rank:
        return
    context = Context(request.store, stop)
    if plan is None:
        TfjsRuntime(context, request.runtime, request.node).require()
    named = {one for block in (matrix.axes, *matrix.include) for one in block.tfjs_runtime or []} - {
        DEFAULT,
        "converter",
    }
    if plan is not None:
        named = {runtime_version(one.case) for one in plan.cases} - named
    require_releases(sorted(named), context, lambda: find_node(request.node, request.store))


def _with_cures(results: Results, plan: Plan, laboratory: CaseEvaluator, store: Store, progress: Progress) -> Results:
    """The results with what the remedies of each failing case came to."""
    packages = ("tensorflow", "tensorflowjs")
    world = ChangePolicy.of_index({name: fetch_releases(name, store) for name in packages}, find_interpreters(store))
    cases = {one.case.id: one.case for one in plan.cases}
    failing = {one.id: (cases[one.id], one) for one in results.cases if cure.may_need_remedy(one)}
    what = "remedies"
    progress.begin(what)
    cures = cure.try_remedies_of(failing, world, laboratory, lambda text: progress.say(what, text))
    works = sum(one.works for one in cures.values())
    progress.end(what, f"{works} of {len(failing)} failing cases have one that works")
    return msgspec.structs.replace(results, cases=cure.cured(results.cases, cures))
