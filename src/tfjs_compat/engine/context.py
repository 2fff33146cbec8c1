"""What is the same for every case of a run."""

from __future__ import annotations

import sys
import threading

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.matrix.schema import LimitsTable
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.capacity import CASE_MEMORY, total_memory
from tfjs_compat.system.context import Context
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Progress
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.settings import Settings


def settings_of(
    request: RunRequest, until: Stage, given: LimitsTable, jobs: int, progress: Progress, stop: threading.Event
) -> Settings:
    """What is the same for every case of a run."""
    memory = int(min(given.memory * 2**30, sys.maxsize)) if given.memory else None
    limits = Limits(seconds=given.seconds, memory=memory or memory_limit(jobs))
    context = Context(request.store, stop, progress, limits)
    web = TfjsRuntime(context, request.runtime, request.node) if until.rank > Stage.CONVERT.rank else None
    return Settings(
        store=request.store,
        until=until,
        limits=limits,
        web=web,
        stop=stop,
        progress=progress,
        inputs=request.inputs,
        isolation=request.isolation,
        fresh=request.fresh,
        layout=request.layout,
    )


def memory_limit(jobs: int, total: int | None = None) -> int:
    """The bytes that one of so many cases at once may use, of ``total`` (default: what there is for this process).

    Less than there are, so that a case passes its limit before the system kills what it likes.
    """
    total = total_memory() if total is None else total
    return int(min(max(CASE_MEMORY, total * 0.8 / jobs), total * 0.9))
