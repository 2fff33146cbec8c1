"""Plan → results: environments built, cases run, over a concurrent.futures.Executor.

One task is one environment with some of its cases. Nothing here touches a model: that is trial.py, in children.
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tfjs_compat import __version__
from tfjs_compat.engine import cache
from tfjs_compat.engine.durations import Durations
from tfjs_compat.engine.gather import gather
from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.schedule import EnvironmentTask, tasks
from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import Environment, NotInstallable
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results, case_result
from tfjs_compat.results.machine import machine_facts
from tfjs_compat.system.capacity import MemoryGate
from tfjs_compat.system.files import write_whole
from tfjs_compat.trials.runtimes.runtime import runtime_version
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.trial import as_converted, convert_case, finish_case

_BUILD_SECONDS = 15.0


@dataclass(frozen=True)
class _Run:
    """What the tasks of one run share; ``done`` fills as cases end."""

    output: Path
    settings: Settings
    given: cache.RunConditions
    durations: Durations
    room: MemoryGate
    done: dict[str, CaseResult]

    def folder(self, planned: Planned) -> Path:
        return self.output / "cases" / planned.case.id

    def question(self, planned: Planned, lock: Lock) -> cache.CacheKey:
        return cache.cache_key(planned, lock, runtime_version(planned.case), self.given)

    def end(self, planned: Planned, outcome: Outcome) -> None:
        result = case_result(planned.case, outcome, self.settings.until)
        self.done[planned.case.id] = result
        self.settings.progress.end(planned.case.id, summary(result))


def run_plan(plan: Plan, output: Path, executor: Executor, jobs: int, settings: Settings) -> Results:
    """Run all cases of a plan and give their results, in the plan's order.

    When the user interrupts, the results are those of the cases that had ended, and ``complete`` is false.
    """
    started, clock = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
    if settings.store.read_only:
        told = f"store {settings.store.root}"
        settings.progress.begin(told)
        settings.progress.end(told, "read-only: what it holds is used, nothing new is kept")
    for lock in plan.locks().values():
        # Not lasting, here and below: the next run writes them again.
        write_whole(output / "locks" / f"{lock.id}.txt", lock.text, lasting=False)
    web = settings.web.describe() if settings.web is not None else "none"
    given = cache.conditions(settings.until, web, settings.inputs)
    run = _Run(output, settings, given, Durations(settings.store), MemoryGate(settings.stop), {})
    for planned in plan.cases:
        if not isinstance(planned.lock, Lock):
            run.done[planned.case.id] = _without_lock(planned, output, settings)
        elif settings.until is Stage.RESOLVE:
            reached = Outcome(Stage.RESOLVE, resolved=planned.lock.resolved(), lock=planned.lock.id)
            run.done[planned.case.id] = case_result(planned.case, reached, settings.until)
        elif not settings.fresh and (outcome := _kept(planned, planned.lock, run)) is not None:
            run.done[planned.case.id] = case_result(planned.case, outcome, settings.until, cached=True)

    def preparing(lock: Lock) -> float:
        return 0.0 if environments.is_built(lock.id, settings.store, settings.layout) else _BUILD_SECONDS

    todo = tasks(plan, jobs, run.done, lambda planned: run.durations.of(planned.case), preparing)
    complete = True
    try:
        gather(executor, lambda task: _run_task(task, run), todo, settings.stop)
    except (Interrupted, KeyboardInterrupt):
        complete = False
    finally:
        if settings.web is not None:
            settings.web.warm_nodes.end()
        with contextlib.suppress(OSError):
            # Each server has removed its own folder there.
            (output / "servers").rmdir()
    return Results(
        schema=1,
        tool=__version__,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 3),
        matrix=plan.matrix.name,
        until=settings.until,
        complete=complete,
        machine=machine_facts(),
        left_out=tuple(f"{one.what}: {one.why}" for one in plan.left_out),
        cases=tuple(run.done[one.case.id] for one in plan.cases if one.case.id in run.done),
        planned=len(plan.cases),
    )


def _run_task(task: EnvironmentTask, run: _Run) -> None:
    try:
        environment = _build(task, run.settings)
        if isinstance(environment, NotInstallable):
            for planned in task.cases:
                failure = Failure(Stage.INSTALL, environment.message, text=environment.text)
                log = _keep_text(planned, run.output, environment.text)
                run.end(
                    planned,
                    Outcome(Stage.INSTALL, failure, resolved=task.lock.resolved(), lock=task.lock.id, log=log),
                )
            return
        if run.settings.until is Stage.INSTALL:
            for planned in task.cases:
                run.end(planned, Outcome(Stage.INSTALL, resolved=task.lock.resolved(), lock=task.lock.id))
            return
        with environments.in_use(environment):
            for group in task.groups():
                _run_group(group, environment, task.lock, run)
    except MachineryError as error:
        for planned in task.cases:
            if planned.case.id not in run.done:
                run.end(planned, _lost(Stage.INSTALL, error, task.lock))


def _run_group(cases: Sequence[Planned], environment: Environment, lock: Lock, run: _Run) -> None:
    """Cases of one environment and one set of process variables: they can share a server.

    While TensorFlow.js checks one, the next is converted; never more than these two at once.
    """
    scratch = run.output / "servers" / cases[0].case.id
    bench = EnvironmentSession(environment, lock, cases[0].variables, scratch, run.settings)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="tfjs-compat-check") as checker:
            before: Future[None] | None = None
            for planned in cases:
                started = time.monotonic()
                converted = _convert(planned, bench, run)
                seconds = time.monotonic() - started
                if before is not None:
                    before.result()
                before = checker.submit(_finish, planned, lock, converted, seconds, run)
            if before is not None:
                before.result()
    finally:
        bench.close()


def _convert(planned: Planned, bench: EnvironmentSession, run: _Run) -> Outcome:
    """The Python half of a case, when there is room for it."""
    progress, name = run.settings.progress, planned.case.id
    progress.begin(name)
    if (kept := _kept_conversion(planned, bench.lock, run)) is not None:
        return kept
    with run.room.admit(lambda: progress.say(name, "waiting for free memory")):
        try:
            return convert_case(planned.case, bench, run.folder(planned), run.settings)
        except MachineryError as error:
            return _lost(Stage.IMPORT, error, bench.lock)


def _finish(planned: Planned, lock: Lock, converted: Outcome, seconds: float, run: _Run) -> None:
    """The TensorFlow.js half of a case, and its end. ``seconds``: what the first half took."""
    started, folder = time.monotonic(), run.folder(planned)
    try:
        outcome = finish_case(planned.case, folder, converted, run.settings)
    except MachineryError as error:
        outcome = _lost(Stage.CHECK, error, lock)
    if not outcome.limited and outcome.machinery is None:
        run.durations.record(planned.case, seconds + time.monotonic() - started)
    question = run.question(planned, lock)
    with contextlib.suppress(MachineryError):
        # An outcome that finds no room in the cache is one all the same.
        if cache.keep(question.key, outcome, folder, run.settings.store):
            cache.record_key(planned.case.id, question, run.settings.store)
    run.end(planned, outcome)


def _kept(planned: Planned, lock: Lock, run: _Run) -> Outcome | None:
    return cache.kept_outcome(run.question(planned, lock).key, run.settings.store, run.folder(planned))


def _kept_conversion(planned: Planned, lock: Lock, run: _Run) -> Outcome | None:
    """What the same route without its repair left, as far as the conversion: a repair needs no Python."""
    route = find_route(planned.case.route)
    if run.settings.fresh or not route.repairs:
        return None
    plain = msgspec.structs.replace(planned, case=msgspec.structs.replace(planned.case, route=route.plain()))
    folder = run.folder(planned)
    try:
        outcome = cache.kept_outcome(run.question(plain, lock).key, run.settings.store, folder)
    except MachineryError:
        return None
    return None if outcome is None else as_converted(outcome, folder)


def _build(task: EnvironmentTask, settings: Settings) -> Environment | NotInstallable:
    lock = task.lock
    if environments.is_built(lock.id, settings.store, settings.layout):
        return build(lock, task.cases[0].python, settings.store, layout=settings.layout)
    what = f"building {lock.id}: " + " ".join(f"{k} {v}" for k, v in list(lock.resolved().items())[:4])
    settings.progress.begin(what)
    result, warnings = "failed", list[str]()
    try:
        built = build(
            lock,
            task.cases[0].python,
            settings.store,
            layout=settings.layout,
            stop=settings.stop,
            on_line=lambda line: settings.progress.say(what, line.strip()),
            warn=warnings.append,
        )
        result = f"environment of {len(lock.packages)} packages" if isinstance(built, Environment) else built.message
        return built
    finally:
        settings.progress.end(what, "; ".join((result, *warnings)))


def _lost(stage: Stage, error: MachineryError, lock: Lock) -> Outcome:
    return Outcome(stage=stage, machinery=str(error), resolved=lock.resolved(), lock=lock.id)


def summary(result: CaseResult) -> str:
    """One clause on a result: verdict, stage, cause."""
    if result.verdict is Verdict.WORKS:
        return "works"
    cause = result.issue or result.signature or result.message
    return f"{result.verdict} at {result.stage}" + (f": {cause}" if cause else "")


def _without_lock(planned: Planned, output: Path, settings: Settings) -> CaseResult:
    answer = planned.lock
    if isinstance(answer, Unresolved):
        failure = Failure(Stage.RESOLVE, answer.message, packages=answer.packages, text=answer.text)
        log = _keep_text(planned, output, answer.text)
        return case_result(planned.case, Outcome(Stage.RESOLVE, failure, log=log), settings.until)
    return case_result(planned.case, Outcome(Stage.RESOLVE, machinery=str(answer)), settings.until)


def _keep_text(planned: Planned, output: Path, text: str) -> str:
    log = f"cases/{planned.case.id}/log.txt"
    write_whole(output / log, text + "\n", lasting=False)
    return log


def failed_machinery(results: Sequence[CaseResult]) -> list[str]:
    """The distinct faults of the machinery in results, in order."""
    return list(dict.fromkeys(one.message for one in results if one.verdict is Verdict.ERROR))
