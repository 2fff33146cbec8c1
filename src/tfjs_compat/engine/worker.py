"""A task → its results, wherever that is: in a thread of the coordinator, in another process, on another machine.

``run_task`` is the whole interface: a module-level function from plain data to plain data. A worker in the
coordinator's process shares its context (progress, stop, memory gate, waiting Nodes); any other makes its own.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.engine import cache, pool_process
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.tasks import TASKS, HandedIn, Task, TaskResult, Trial, TrialOptions, TrialResult
from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import Environment, NotInstallable, in_use, is_built
from tfjs_compat.environments.install import Installer
from tfjs_compat.environments.peers import Peers
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.capacity import MemoryGate
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.touched import place_of
from tfjs_compat.trials.trial import as_converted, convert_case, finish_case
from tfjs_compat.trials.warm_pool import WarmPool

STOP_FILE = ".stop"
"""In the output folder: a worker in another process of this machine stops when it appears."""

INBOX = ".results"
"""In the output folder: where such a worker leaves each result as it comes."""

_WATCH_SECONDS = 0.3


@dataclass(frozen=True)
class Operations:
    """What a worker does for real; tests and simulations put other functions in their places."""

    build: Callable[..., Environment | NotInstallable] = build
    session: Callable[..., EnvironmentSession] = EnvironmentSession
    convert: Callable[..., Outcome] = convert_case
    finish: Callable[..., Outcome] = finish_case


@dataclass(frozen=True)
class Worker:
    """What the tasks of one run in one process share.

    ``finished`` is called with each result as it comes. ``peers`` are machines that may have wheels which this lacks.
    """

    settings: Settings
    gate: MemoryGate
    conditions: cache.RunConditions
    finished: Callable[[TrialResult], None] = lambda _: None
    operations: Operations = field(default_factory=Operations)
    peers: Peers | None = None
    warm: WarmPool | None = None

    def close(self) -> None:
        """End what waits for work and does not outlive the run: the Nodes that nobody took."""
        if self.settings.web is not None and self.warm is None:
            self.settings.web.warm_nodes.end()

    @contextlib.contextmanager
    def session(self, trials: Sequence[Trial], environment: Environment, task: Task) -> Iterator[EnvironmentSession]:
        """A session for trials of one environment and one set of process variables."""
        variables, make = trials[0].variables, self.operations.session
        if self.warm is not None:
            with self.warm.session(environment, task.lock, variables, self.settings, make) as session:
                yield session
            return
        scratch = Path(task.output) / "servers" / trials[0].case.id
        session = make(environment, task.lock, variables, scratch, self.settings)
        try:
            yield session
        finally:
            session.close()


_here: dict[str, Worker] = {}
"""The workers of the runs that this process coordinates, by the run's name."""


def run_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Run a task (a Task as plain data) and give its TaskResult as plain data.

    Raises nothing for what concerns a trial or its environment: that is in the result. Trials that a stop kept from
    their end are not in it.
    """
    decoded = TASKS.convert(task)
    if (worker := _here.get(decoded.run)) is not None:
        result = perform(decoded, worker)
    else:
        with _elsewhere(decoded) as worker:
            result = perform(decoded, worker)
    plain: dict[str, Any] = msgspec.to_builtins(result)
    return plain


def hand_in(run: str, result: TrialResult) -> None:
    """Give the coordinator of a run in this process a result from elsewhere; nothing where the run has ended."""
    if (worker := _here.get(run)) is not None:
        worker.finished(result)


@contextlib.contextmanager
def in_this_process(run: str, worker: Worker) -> Iterator[None]:
    """Let the tasks of a run that come to this process use the coordinator's own worker."""
    _here[run] = worker
    try:
        yield
    finally:
        del _here[run]
        worker.close()


def make_worker(
    options: TrialOptions,
    context: Context,
    finished: Callable[[TrialResult], None] = lambda _: None,
    operations: Operations | None = None,
    peers: Peers | None = None,
    warm: WarmPool | None = None,
) -> Worker:
    """A worker for trials with these options. ``warm``: what stays ready for the next worker."""
    after = options.until.rank > Stage.CONVERT.rank
    nodes = warm.nodes if warm is not None else None
    web = TfjsRuntime(context, options.runtime, options.node, nodes) if after else None
    inputs = Path(options.inputs) if options.inputs is not None else None
    settings = Settings(
        store=context.store,
        until=options.until,
        limits=context.limits,
        web=web,
        stop=context.stop,
        progress=context.progress,
        inputs=inputs,
        isolation=options.isolation,
        fresh=options.fresh,
        layout=options.layout,
        permissions=options.permissions,
    )
    conditions = cache.conditions(
        context.store,
        options.until,
        web.describe() if web is not None else "none",
        inputs,
        isolation=options.isolation,
        layout=options.layout,
        permissions=options.permissions,
    )
    gate = MemoryGate(context.stop)
    return Worker(settings, gate, conditions, finished, operations or Operations(), peers, warm)


@contextlib.contextmanager
def _elsewhere(task: Task) -> Iterator[Worker]:
    """A worker for a task that came to another process; it stops with the coordinator, if it can see that.

    Each result also lies in the output folder at once, where the coordinator looks for it.
    """
    options = task.options
    context = Context(Store(Path(options.store)), limits=options.limits)
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(Path(task.output) / STOP_FILE, context.stop, ended), daemon=True)
    inbox = Path(task.output) / INBOX

    def hand_in(result: TrialResult) -> None:
        # One that finds no room comes with the task's result.
        with contextlib.suppress(MachineryError):
            write_whole(inbox / f"{result.case}.json", msgspec.json.encode(HandedIn(task.run, result)), lasting=False)

    pool_process.busy.set()
    watch.start()
    worker = make_worker(options, context, hand_in)
    try:
        yield worker
    finally:
        worker.close()
        ended.set()
        watch.join()
        pool_process.busy.clear()


def _watch(stop_file: Path, stop: threading.Event, ended: threading.Event) -> None:
    """Set ``stop`` when the coordinator asks for it, or is gone."""
    while not ended.wait(_WATCH_SECONDS):
        if pool_process.orphaned.is_set() or stop_file.exists():
            stop.set()
            return


def perform(task: Task, worker: Worker) -> TaskResult:
    """Run a task's trials with a worker of this process. Raises nothing that concerns a trial or its environment."""
    results: list[TrialResult] = []
    lock_id = task.lock.id

    def end(trial: Trial, outcome: Outcome, seconds: float | None = None) -> None:
        result = TrialResult(trial.case.id, lock_id, outcome, seconds)
        results.append(result)
        worker.finished(result)

    def lose(stage: Stage, error: BaseException) -> None:
        ended = {result.case for result in results}
        for trial in task.trials:
            if trial.case.id not in ended:
                end(trial, lost(stage, error, task.lock))

    try:
        environment = _built(task, worker)
        if isinstance(environment, NotInstallable):
            for trial in task.trials:
                end(trial, _not_installed(trial, task, environment))
        elif worker.settings.until is Stage.INSTALL:
            for trial in task.trials:
                end(trial, Outcome(Stage.INSTALL, resolved=task.lock.resolved(), lock=lock_id))
        else:
            with in_use(environment):
                for group in groups(task.trials):
                    _run_group(group, environment, task, worker, end)
    except Interrupted:
        return TaskResult(tuple(results), interrupted=True)
    except Exception as error:
        # One environment's fault is not the others': their trials go on.
        lose(Stage.INSTALL, error)
    return TaskResult(tuple(results))


def groups(trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
    """The trials by process variables, in order: those of a group can share a server."""
    found: dict[tuple[tuple[str, str], ...], list[Trial]] = {}
    for trial in trials:
        found.setdefault(tuple(sorted(trial.variables.items())), []).append(trial)
    return [tuple(group) for group in found.values()]


def _run_group(
    trials: Sequence[Trial],
    environment: Environment,
    task: Task,
    worker: Worker,
    end: Callable[[Trial, Outcome, float | None], None],
) -> None:
    """Trials of one environment and one set of process variables.

    While TensorFlow.js checks one, the next is converted; never more than these two at once.
    """
    with (
        worker.session(trials, environment, task) as session,
        ThreadPoolExecutor(1, thread_name_prefix="tfjs-compat-check") as checker,
    ):
        before: Future[None] | None = None
        for trial in trials:
            started = time.monotonic()
            converted = _convert(trial, session, task, worker)
            seconds = time.monotonic() - started
            if before is not None:
                before.result()
            before = checker.submit(_finish, trial, converted, seconds, task, worker, end)
        if before is not None:
            before.result()


def _convert(trial: Trial, session: EnvironmentSession, task: Task, worker: Worker) -> Outcome:
    """The Python half of a trial, when there is memory for it."""
    progress, name = worker.settings.progress, trial.case.id
    progress.begin(name)
    folder = Path(task.output) / trial.folder(task.lock.id)
    if (kept := _kept_conversion(trial, task, worker, folder)) is not None:
        return kept
    with worker.gate.admit(lambda: progress.say(name, "waiting for free memory")):
        try:
            return worker.operations.convert(trial.case, session, folder, worker.settings)
        except Interrupted:
            raise
        except Exception as error:
            return lost(Stage.IMPORT, error, task.lock)


def _finish(
    trial: Trial,
    converted: Outcome,
    seconds: float,
    task: Task,
    worker: Worker,
    end: Callable[[Trial, Outcome, float | None], None],
) -> None:
    """The TensorFlow.js half of a trial, and its end. ``seconds``: what the first half took."""
    started, folder = time.monotonic(), Path(task.output) / trial.folder(task.lock.id)
    try:
        outcome = worker.operations.finish(trial.case, folder, converted, worker.settings)
    except Interrupted:
        raise
    except Exception as error:
        outcome = lost(Stage.CHECK, error, task.lock)
    whole = not outcome.limited and outcome.machinery is None
    key = cache_key(trial, task, worker)
    with contextlib.suppress(MachineryError, OSError):
        # An outcome counts also where the cache has no room for it.
        if cache.keep(key.key, outcome, folder, worker.settings.store):
            cache.record_key(_planned(trial, task), key, worker.settings.store)
    end(trial, outcome, seconds + time.monotonic() - started if whole else None)


def cache_key(trial: Trial, task: Task, worker: Worker) -> cache.CacheKey:
    """The cache key of a trial under the conditions of this worker."""
    planned = _planned(trial, task)
    trusted = worker.settings.permissions.trusts(trial.case.model.ref)
    return cache.cache_key(planned, task.lock, runtime_version(trial.case), worker.conditions, trusted=trusted)


def _planned(trial: Trial, task: Task) -> Planned:
    return Planned(trial.case, task.python, task.lock, trial.variables)


def _kept_conversion(trial: Trial, task: Task, worker: Worker, folder: Path) -> Outcome | None:
    """What the same route without its repair left, as far as the conversion: a repair needs no Python."""
    route = trial.case.route
    if worker.settings.fresh or not route.repairs:
        return None
    unrepaired = msgspec.structs.replace(trial.case, route=route.without_repair())
    key = cache_key(msgspec.structs.replace(trial, case=unrepaired), task, worker)
    # The repair changes what is copied here, so it must not pass for what is kept.
    store, place = worker.settings.store, place_of(trial.case.model)
    outcome = cache.kept_outcome(key.key, store, folder, place=place, to_change=True)
    return None if outcome is None else as_converted(outcome, folder)


def _built(task: Task, worker: Worker) -> Environment | NotInstallable:
    lock, settings = task.lock, worker.settings
    build_here = worker.operations.build
    if is_built(lock.id, settings.store, settings.layout):
        return build_here(lock, task.python, settings, layout=settings.layout)
    what = f"building {lock.id}: " + " ".join(f"{k} {v}" for k, v in list(lock.resolved().items())[:4])
    settings.progress.begin(what)
    result, warnings = "failed", list[str]()
    try:
        installer = Installer(
            on_line=lambda line: settings.progress.say(what, line.strip()), warn=warnings.append, peers=worker.peers
        )
        built = build_here(lock, task.python, settings, layout=settings.layout, installer=installer)
        result = f"environment of {len(lock.packages)} packages" if isinstance(built, Environment) else built.message
        return built
    finally:
        settings.progress.end(what, "; ".join((result, *warnings)))


def _not_installed(trial: Trial, task: Task, refused: NotInstallable) -> Outcome:
    write_whole(Path(task.output) / trial.folder(task.lock.id) / "log.txt", refused.text + "\n", lasting=False)
    failure = Failure(Stage.INSTALL, refused.message, text=refused.text)
    return Outcome(Stage.INSTALL, failure, resolved=task.lock.resolved(), lock=task.lock.id, log="log.txt")


def lost(stage: Stage, error: BaseException, lock: Lock) -> Outcome:
    """The outcome of a trial that a fault of the machinery ended, or a bug of ours."""
    message = "out of memory" if isinstance(error, MemoryError) else str(error)
    if not isinstance(error, (MachineryError, OSError, MemoryError)):
        place = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
        where = f" at {Path(place.filename).name}:{place.lineno}" if place is not None else ""
        message = f"a bug of tfjs-compat: {type(error).__name__}: {error}{where}"
    return Outcome(stage=stage, machinery=message, resolved=lock.resolved(), lock=lock.id)
