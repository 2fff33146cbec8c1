"""What a run would do: cases and their locks."""

from __future__ import annotations

import threading

from tfjs_compat.engine.executor import threads
from tfjs_compat.engine.plan import Plan, expand_from_index, make_plan
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.matrix.cases import Case
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.workflows.matrices import load_matrix
from tfjs_compat.workflows.run import require_runtimes


def cases(request: RunRequest) -> tuple[Case, ...]:
    """The cases that a request means, without resolving anything. Raises RequestError, MachineryError."""
    matrix, bases = load_matrix(request)
    with threads(request) as (executor, _):
        found = find_interpreters(request.store)
        return expand_from_index(matrix, bases, found, request.store, executor, request.only).cases


def plan(request: RunRequest, progress: Progress | None = None, stop: threading.Event | None = None) -> Plan:
    """What a request would run: its cases and their locks. Builds nothing. Raises RequestError, MachineryError."""
    with threads(request) as (executor, _):
        matrix, bases = load_matrix(request)
        halt = stop or threading.Event()
        told = progress or Silent()
        require_runtimes(matrix, request, halt)
        return make_plan(matrix, bases, request.store, executor, told, halt, only=request.only, fresh=request.fresh)
