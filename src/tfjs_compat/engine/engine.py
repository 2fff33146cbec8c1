"""What trials are run with, as one value, and its one maker."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from tfjs_compat.engine.executor import Opened
from tfjs_compat.engine.options import options_of
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.tasks import TrialOptions
from tfjs_compat.engine.worker import Operations
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.schema import LimitsTable
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.context import Context
from tfjs_compat.trials.warm_pool import WarmPool


@dataclass(frozen=True)
class Engine:
    """What trials are run with: ``executor`` runs ``jobs`` tasks at once, their files go to ``output``.

    ``remote``: on other machines, so that this one is no substitute for them. ``longest_unknown_first``: what is not
    known, or not for the longest time, begins, because the time may not be enough for all. ``warm``: what stays ready
    for the next trials.
    """

    context: Context
    options: TrialOptions
    output: Path
    executor: Executor
    jobs: int
    operations: Operations = field(default_factory=Operations)
    remote: bool = False
    longest_unknown_first: bool = False
    warm: WarmPool | None = None


def make_engine(
    request: RunRequest,
    until: Stage,
    context: Context,
    output: Path,
    opened: Opened,
    *,
    permissions: Permissions = Permissions(),
    limits: LimitsTable = LimitsTable(),
    longest_unknown_first: bool = False,
    warm: WarmPool | None = None,
) -> Engine:
    """The engine that runs what a request means as far as ``until``, over an executor that is open.

    ``permissions`` and ``limits`` are the matrix's. On machines of their own a trial may use what memory ``limits``
    say, not what this machine has.
    """
    options = options_of(request, until, context, permissions, remote=limits if opened.remote else None)
    return Engine(
        context,
        options,
        output,
        opened.executor,
        opened.jobs,
        remote=opened.remote,
        longest_unknown_first=longest_unknown_first,
        warm=warm,
    )
