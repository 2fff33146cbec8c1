"""The plan of a request: its cases and their locks, or only its cases."""

from __future__ import annotations

import datetime
import threading
from pathlib import Path

import msgspec

from tfjs_compat.engine.durations import Durations
from tfjs_compat.engine.options import context_of
from tfjs_compat.engine.plan import Plan, Planned, expand_from_index, make_plan
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.shards import ShardSize, cut, sizes
from tfjs_compat.engine.shared_plan import write_shared_plan
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import only
from tfjs_compat.system.capacity import default_jobs
from tfjs_compat.system.progress import Progress
from tfjs_compat.workflows.matrices import load_matrix
from tfjs_compat.workflows.run import require_runtimes


def plan(request: RunRequest, progress: Progress | None = None, stop: threading.Event | None = None) -> Plan:
    """What a request would run: its cases and their locks. Builds nothing. Raises RequestError, MachineryError."""
    jobs = request.jobs or default_jobs()
    matrix, bases = load_matrix(request)
    context = context_of(request, matrix.limits, jobs, progress, stop)
    require_runtimes(matrix, request, context)
    return make_plan(matrix, bases, context, jobs, only=request.only, fresh=request.fresh)


def shards(
    request: RunRequest,
    of: int,
    output: Path | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> tuple[ShardSize, ...]:
    """The shards of what a request would run, balanced by the durations that this machine's store knows.

    With ``output``, OUTPUT/shared-plan.json is written, for ``run --plan``. Raises RequestError, MachineryError.
    """
    found = plan(request, progress, stop)
    durations = Durations(request.store)

    def expected(planned: Planned) -> float:
        return durations.of(planned.case)

    # Without a file that all shards share, none may know more than the others.
    found = msgspec.structs.replace(found, cut=cut(found, of, expected) if output is not None else cut(found, of))
    if output is not None:
        started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        write_shared_plan(found, started, output)
    return sizes(found, expected)


def cases(request: RunRequest) -> tuple[Case, ...]:
    """The cases of a request, in order, without resolving anything. Raises RequestError, MachineryError."""
    matrix, bases = load_matrix(request)
    context = context_of(request, matrix.limits, 1)
    expansion = expand_from_index(matrix, bases, find_interpreters(request.store), context)
    return only(expansion, request.only).cases
