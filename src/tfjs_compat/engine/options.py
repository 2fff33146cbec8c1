"""Request → the context and the options of its trials."""

from __future__ import annotations

import sys
import threading

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.tasks import TrialOptions
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.schema import LimitsTable
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.capacity import CASE_MEMORY, total_memory
from tfjs_compat.system.context import Context
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Progress, Silent


def context_of(
    request: RunRequest,
    limits: LimitsTable,
    jobs: int,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Context:
    """The context of a command that runs ``jobs`` cases at once.

    ``limits`` are the matrix's for one case, memory and disk in GiB; where they set no memory it is ``memory_limit``.
    """
    memory = _bytes(limits.memory) if limits.memory else memory_limit(jobs)
    return Context(
        store=request.store,
        stop=stop or threading.Event(),
        progress=progress or Silent(),
        limits=Limits(seconds=limits.seconds, memory=memory, disk=_bytes(limits.disk)),
    )


def _bytes(gibibytes: float) -> int:
    return int(min(gibibytes * 2**30, sys.maxsize))


def options_of(
    request: RunRequest,
    until: Stage,
    context: Context,
    permissions: Permissions = Permissions(),
    *,
    remote: LimitsTable | None = None,
) -> TrialOptions:
    """The options of each trial of the request, as plain data that can leave the process.

    ``permissions`` are the matrix's, to which the request adds. ``remote``: the matrix's limits, where trials run on
    other machines; without one of memory it is the machine's own.
    """
    memory = None if remote is not None and not remote.memory else context.limits.memory
    return TrialOptions(
        store=str(request.store.root),
        until=until,
        seconds=context.limits.seconds,
        memory=memory,
        output=context.limits.output,
        disk=context.limits.disk,
        runtime=request.runtime,
        node=request.node,
        inputs=str(request.inputs.absolute()) if request.inputs is not None else None,
        isolation=request.isolation,
        fresh=request.fresh,
        layout=request.layout,
        permissions=request.permissions(permissions),
    )


def memory_limit(jobs: int, total: int | None = None) -> int:
    """Bytes that each of ``jobs`` concurrent cases may use, of ``total`` (default: what this process may use).

    An equal share of 80 %, at least CASE_MEMORY, at most 90 %: a case passes its limit before the system kills any
    process.
    """
    total = total_memory() if total is None else total
    return int(min(max(CASE_MEMORY, total * 0.8 / jobs), total * 0.9))
