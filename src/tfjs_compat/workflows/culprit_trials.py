"""What `explain` and `bisect` share: an engine that ends in time, and trials that an interrupted call has run."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tfjs_compat.engine.deciding_files import code_digest
from tfjs_compat.engine.engine import Engine, make_engine
from tfjs_compat.engine.executor import open_executor
from tfjs_compat.engine.options import context_of
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.run import journalled
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.schema import LimitsTable
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.best_case import INTERRUPTED
from tfjs_compat.search.culprit.trials import Trials, engine_trials
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.system.capacity import default_jobs
from tfjs_compat.system.progress import Progress
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.workflows.inputs import require_inputs


class LimitedEngine(NamedTuple):
    """An engine, and what stops it."""

    engine: Engine
    deadline: Deadline

    @property
    def ended(self) -> str | None:
        """Why it was stopped, None where it was not."""
        if self.deadline.passed:
            return "after --time"
        return INTERRUPTED if self.deadline.stop.is_set() else None


@contextlib.contextmanager
def limited_engine(
    options: RunRequest,
    work: str,
    until: Stage,
    *,
    permissions: Permissions = Permissions(),
    seconds: float | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Iterator[LimitedEngine]:
    """An engine whose output is the folder ``work`` of the output folder, stopped after ``seconds`` or by ``stop``.

    ``permissions`` are those of the run that it is about, to which the options add.

    Raises RequestError also for a file of inputs that is none, MachineryError where what runs TensorFlow.js is missing.
    """
    require_inputs(options.inputs)
    started, jobs = time.monotonic(), options.jobs or default_jobs()
    limits = LimitsTable(seconds=options.seconds) if options.seconds is not None else LimitsTable()
    outer = context_of(options, limits, jobs, progress, stop)
    if until.rank > Stage.CONVERT.rank:
        TfjsRuntime(outer, options.runtime, options.node).require()
    output = options.output.absolute()
    with lock_output(output), open_executor(options.executor, jobs, options.store) as opened:
        ends = started + seconds if seconds is not None else None
        with Deadline(outer.stop, ends) as deadline:
            context = context_of(options, limits, jobs, progress, deadline.stop)
            engine = make_engine(options, until, context, output / work, opened, permissions=permissions, limits=limits)
            yield LimitedEngine(engine, deadline)


class OpenTrials(NamedTuple):
    """Trials, and what is called with each result that did not come through them."""

    trials: Trials
    journal: Callable[[CaseResult], None]


@contextlib.contextmanager
def journalled_trials(engine: Engine, work: str, identity: str, most: int | None) -> Iterator[OpenTrials]:
    """Trials that are journalled as they end; those of an interrupted call of the same identity are taken over.

    ``most``: how many may be run.
    """
    digest = None if engine.options.fresh else identity
    with (
        journalled(work, engine, digest) as journal,
        engine_trials(engine, journal.append, journal.earlier, most) as trials,
    ):
        yield OpenTrials(trials, journal.append)


def identity_of(bad: Planned, options: RunRequest, *asked: str) -> str:
    """What a search is about, as a digest: its trial, what is ``asked`` of it, and how it is run."""
    lock = bad.lock.id if isinstance(bad.lock, Lock) else ""
    inputs = str(options.inputs.absolute()) if options.inputs is not None else ""
    parts = [bad.case.id, bad.case.model.digest, lock, *asked, str(options.until), options.runtime, inputs]
    return hashlib.sha256("\0".join([*parts, code_digest(options.store)]).encode()).hexdigest()
