"""Run a matrix to its end: plan it, run it, try remedies where that was requested, write its results."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec

from tfjs_compat.engine.engine import make_engine
from tfjs_compat.engine.executor import open_executor
from tfjs_compat.engine.options import context_of
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.plan import Plan, make_plan
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.retries import with_retries
from tfjs_compat.engine.run import run_plan, united
from tfjs_compat.engine.shards import only_shard, parse_shard
from tfjs_compat.engine.shared_plan import plan_again, read_shared_plan
from tfjs_compat.errors import RequestError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.matrix.axes import DEFAULT
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.files import write_results
from tfjs_compat.results.history import keep_run
from tfjs_compat.results.journal import compact
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.system.capacity import default_jobs
from tfjs_compat.system.context import Context
from tfjs_compat.system.progress import Progress
from tfjs_compat.trials.runtimes.bundle import require_releases
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version
from tfjs_compat.trials.warm_pool import WarmPool
from tfjs_compat.workflows.inputs import require_inputs
from tfjs_compat.workflows.matrices import load_matrix, matrix_source
from tfjs_compat.workflows.one_lock import plan_in_lock
from tfjs_compat.workflows.remedies import with_remedies
from tfjs_compat.workflows.unexpected import with_explanations


def run(
    request: RunRequest,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    baseline: Results | None = None,
    warm: WarmPool | None = None,
) -> Results:
    """Run a request to its end, write OUTPUT/results.json, and give the results of the requested cases.

    results.json also holds what earlier runs of the same matrix found about its other cases (``--only``). When ``stop``
    is set, or the request's time is up, the results are incomplete. ``baseline``: an earlier run; a case that ends
    unlike it may be run again (``RunRequest.retries``). ``warm``: what stays ready for the next run of the same
    command, which has no place in the history then. Raises RequestError, MachineryError.
    """
    started, jobs = time.monotonic(), request.jobs or default_jobs()
    shard = parse_shard(request.shard) if request.shard is not None else None
    matrix, bases = load_matrix(request)
    require_inputs(request.inputs)
    ends = started + request.budget if request.budget is not None else None
    output = request.output.absolute()
    with (
        Deadline(stop or threading.Event(), ends) as deadline,
        lock_output(output),
        open_executor(request.executor, jobs, request.store) as opened,
    ):
        context = context_of(request, matrix.limits, jobs, progress, deadline.stop)
        require_runtimes(matrix, request, context)
        plan = _plan(request, matrix, bases, context, jobs)
        plan = msgspec.structs.replace(plan, source=matrix_source(request, matrix))
        if shard is not None:
            plan = only_shard(plan, shard)
        require_runtimes(matrix, request, context, plan)
        engine = make_engine(
            request,
            matrix.until,
            context,
            output,
            opened,
            permissions=matrix.permissions,
            limits=matrix.limits,
            longest_unknown_first=ends is not None,
            warm=warm,
        )
        results = run_plan(plan, engine)
        if results.complete:
            results = with_retries(results, plan, engine, request.retries, baseline)
        if request.try_remedies and results.complete:
            results = with_remedies(results, plan, engine)
        if request.explain and results.complete:
            results = with_explanations(results, plan, engine)
        if deadline.passed and not results.complete:
            results = msgspec.structs.replace(results, stopped="time")
        results = msgspec.structs.replace(results, seconds=round(time.monotonic() - started, 3))
        write_results(united(results, output), output)
        if warm is None and (results.complete or results.stopped):
            keep_run(results, output, request.keep_runs)
        compact(output)
        return results


def _plan(request: RunRequest, matrix: Matrix, bases: dict[str, Path], context: Context, jobs: int) -> Plan:
    """The plan of the request: in the one lock or the shared plan that it names, else made here."""
    if request.lock is not None:
        return plan_in_lock(matrix, request, context)
    if request.plan is not None and request.only:
        raise RequestError("--only: a plan that is shared says which cases count\nhint: give --only to `plan`")
    if request.plan is None:
        return make_plan(matrix, bases, context, jobs, only=request.only, fresh=request.fresh)
    return plan_again(read_shared_plan(request.plan), matrix, bases, find_interpreters(context.store), context.go_on)


def require_runtimes(matrix: Matrix, request: RunRequest, context: Context, plan: Plan | None = None) -> None:
    """Make sure that what runs TensorFlow.js is there, and every release that is named, before anything is resolved.

    With a plan: also the releases that only its cases name (those with the converter's version number). Raises
    RequestError, MachineryError, Interrupted.
    """
    if matrix.until.rank <= Stage.CONVERT.rank:
        return
    if plan is None:
        TfjsRuntime(context, request.runtime, request.node).require()
    blocks = (matrix.axes, *matrix.include)
    named = {version for block in blocks for version in block.tfjs_runtime or []} - {DEFAULT, "converter"}
    if plan is not None:
        named = {runtime_version(planned.case) for planned in plan.cases} - named
    require_releases(sorted(named), context, lambda: find_node(request.node, request.store))
