"""Plan → results: environments built, cases run, over a concurrent.futures.Executor.

One task is one environment with some of its cases. Nothing here touches a model: that is trial.py, in children.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import time
from collections.abc import Container, Sequence
from concurrent.futures import Executor
from pathlib import Path

import msgspec

from tfjs_compat import __version__, cache, environments
from tfjs_compat.diagnosis import Outcome, diagnose
from tfjs_compat.environments import Environment, NotInstallable
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.locks import Lock, Unresolved
from tfjs_compat.outcomes import Failure, Stage, Verdict
from tfjs_compat.plan import Plan, Planned, gather
from tfjs_compat.results import CaseResult, Results, machine_facts
from tfjs_compat.store import write_whole
from tfjs_compat.trial import Bench, Settings, run_case
from tfjs_compat.webcheck import runtime_version


class Task(msgspec.Struct, frozen=True):
    """One environment and cases to run in it, one after another."""

    lock: Lock
    cases: tuple[Planned, ...]


def run_plan(plan: Plan, output: Path, executor: Executor, jobs: int, settings: Settings) -> Results:
    """Run all cases of a plan and give their results, in the plan's order.

    When the user interrupts, the results are those of the cases that had ended, and ``complete`` is false.
    """
    started, clock = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
    for lock in plan.locks().values():
        write_whole(output / "locks" / f"{lock.id}.txt", lock.text)
    done: dict[str, CaseResult] = {}
    for planned in plan.cases:
        if not isinstance(planned.lock, Lock):
            done[planned.case.id] = _without_lock(planned, output, settings)
        elif not settings.fresh and (outcome := _kept(planned, planned.lock, output, settings)) is not None:
            done[planned.case.id] = diagnose(planned.case, outcome, settings.until, cached=True)
    complete = True
    try:
        gather(executor, lambda task: _run_task(task, output, settings, done), tasks(plan, jobs, done), settings.stop)
    except (Interrupted, KeyboardInterrupt):
        complete = False
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
        cases=tuple(done[one.case.id] for one in plan.cases if one.case.id in done),
    )


def tasks(plan: Plan, jobs: int, done: Container[str] = ()) -> list[Task]:
    """The plan's work that is not done: a task per lock, split where there are fewer locks than jobs."""
    found = []
    by_lock: dict[str, list[Planned]] = {}
    for planned in plan.cases:
        if isinstance(planned.lock, Lock) and planned.case.id not in done:
            by_lock.setdefault(planned.lock.id, []).append(planned)
    locks = plan.locks()
    pieces = max(1, -(-jobs // max(1, len(by_lock))))
    for lock_id, mine in by_lock.items():
        mine.sort(key=lambda planned: sorted(planned.variables.items()))
        size = -(-len(mine) // pieces)
        found += [Task(locks[lock_id], tuple(mine[at : at + size])) for at in range(0, len(mine), size)]
    return found


def _run_task(task: Task, output: Path, settings: Settings, done: dict[str, CaseResult]) -> None:
    try:
        environment = _build(task, settings)
        if isinstance(environment, NotInstallable):
            for planned in task.cases:
                failure = Failure(Stage.INSTALL, environment.message, text=environment.text)
                log = _keep_text(planned, output, environment.text)
                outcome = Outcome(Stage.INSTALL, failure, resolved=task.lock.resolved(), lock=task.lock.id, log=log)
                _end(planned, outcome, settings, done)
            return
        with environments.in_use(environment):
            for _, group in itertools.groupby(task.cases, key=lambda planned: sorted(planned.variables.items())):
                _run_group(list(group), environment, task.lock, output, settings, done)
    except MachineryError as error:
        for planned in task.cases:
            if planned.case.id not in done:
                _end(planned, _lost(Stage.INSTALL, error, task.lock), settings, done)


def _run_group(
    cases: Sequence[Planned],
    environment: Environment,
    lock: Lock,
    output: Path,
    settings: Settings,
    done: dict[str, CaseResult],
) -> None:
    """Cases of one environment and one set of process variables: they can share a server."""
    scratch = output / "servers" / cases[0].case.id
    bench = Bench(environment, lock, cases[0].variables, scratch, settings)
    try:
        for planned in cases:
            settings.progress.begin(planned.case.id)
            folder = output / "cases" / planned.case.id
            try:
                outcome = run_case(planned.case, bench, folder, settings)
            except MachineryError as error:
                outcome = _lost(Stage.IMPORT, error, lock)
            with contextlib.suppress(MachineryError):
                # An outcome that finds no room in the cache is one all the same.
                cache.keep(_key(planned, lock, settings), outcome, folder, settings.store)
            _end(planned, outcome, settings, done)
    finally:
        bench.close()


def _key(planned: Planned, lock: Lock, settings: Settings) -> str:
    web = settings.web.describe() if settings.web is not None else "none"
    given = cache.conditions(settings.until, web, settings.options, settings.inputs)
    return cache.key_of(planned, lock, runtime_version(planned.case), given)


def _kept(planned: Planned, lock: Lock, output: Path, settings: Settings) -> Outcome | None:
    return cache.kept_outcome(_key(planned, lock, settings), settings.store, output / "cases" / planned.case.id)


def _build(task: Task, settings: Settings) -> Environment | NotInstallable:
    lock = task.lock
    if environments.is_built(lock.id, settings.store, settings.layout):
        return environments.build(lock, task.cases[0].python, settings.store, layout=settings.layout)
    what = f"building {lock.id}: " + " ".join(f"{k} {v}" for k, v in list(lock.resolved().items())[:4])
    settings.progress.begin(what)
    result = "failed"
    try:
        built = environments.build(
            lock,
            task.cases[0].python,
            settings.store,
            layout=settings.layout,
            stop=settings.stop,
            on_line=lambda line: settings.progress.say(what, line.strip()),
        )
        result = f"environment of {len(lock.packages)} packages" if isinstance(built, Environment) else built.message
        return built
    finally:
        settings.progress.end(what, result)


def _lost(stage: Stage, error: MachineryError, lock: Lock) -> Outcome:
    return Outcome(stage=stage, machinery=str(error), resolved=lock.resolved(), lock=lock.id)


def _end(planned: Planned, outcome: Outcome, settings: Settings, done: dict[str, CaseResult]) -> None:
    result = diagnose(planned.case, outcome, settings.until)
    done[planned.case.id] = result
    settings.progress.end(planned.case.id, summary(result))


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
        return diagnose(planned.case, Outcome(Stage.RESOLVE, failure, log=log), settings.until)
    return diagnose(planned.case, Outcome(Stage.RESOLVE, machinery=str(answer)), settings.until)


def _keep_text(planned: Planned, output: Path, text: str) -> str:
    log = f"cases/{planned.case.id}/log.txt"
    write_whole(output / log, text + "\n")
    return log


def failed_machinery(results: Sequence[CaseResult]) -> list[str]:
    """The distinct faults of the machinery in results, in order."""
    return list(dict.fromkeys(one.message for one in results if one.verdict is Verdict.ERROR))
