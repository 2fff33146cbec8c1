"""What a cluster brings, and what its coordinator costs, with cases that only take time.

``python bench/cluster.py`` prints one JSON object: seconds of a run over 1, 2 and 3 Dask workers (processes of this
machine) side by side, then 100,000 cases over 200 workers (threads that sleep): the coordinator's own CPU time, its
memory and the size of the journal. The cases are stand-ins for ``run_remote_task``; plan, tasks, parcels, results,
each on its way as soon as there is one, journal and results.json are the real thing.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec
from simulated import made_up

from tfjs_compat.engine.cluster import open_local_cluster
from tfjs_compat.engine.dask_worker import open_channel
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.remote import Channel, RemoteExecutor
from tfjs_compat.engine.remote_tasks import RemoteResult, RemoteTask, messages, plain
from tfjs_compat.engine.run import run_plan
from tfjs_compat.engine.tasks import TrialOptions, TrialResult
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.files import write_results
from tfjs_compat.results.journal import JOURNAL
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

CASE_SECONDS = 0.05


class Way:
    """The channel of workers that are threads of this process."""

    name = "threads"

    def __init__(self) -> None:
        self.messages: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def receive(self) -> list[dict[str, Any]]:
        return [self.messages.get() for _ in range(self.messages.qsize())]


WAY = Way()


def stand_in(task: dict[str, Any]) -> dict[str, Any]:
    """As long as a task takes, and a log for each of its cases."""
    received = msgspec.convert(task, RemoteTask)
    put = WAY.messages.put if received.channel == WAY.name else open_channel(received.channel)
    lock, sent = received.task.lock.id, []
    for trial in received.task.trials:
        time.sleep(CASE_SECONDS)
        outcome = Outcome(Stage.CONVERT, seconds={"import": 0.0, "build": 0.1, "convert": 0.2}, log="log.txt")
        result = TrialResult(trial.case.id, lock, outcome, CASE_SECONDS)
        for message in messages(received.name, received.name, result, trial.folder(lock), {"log.txt": b"converted\n"}):
            put(plain(message))
        sent.append(trial.case.id)
    return plain(RemoteResult(sent=tuple(sent)))


class StandIns(Executor):
    """Runs ``stand_in`` where the coordinator sends a task."""

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    def submit(self, _fn: Callable[..., Any], /, *args: Any, **_kwargs: Any) -> Future[Any]:
        return self.inner.submit(stand_in, *args)

    def shutdown(self, wait: bool = True, **_: Any) -> None:
        self.inner.shutdown(wait=wait)


def run(
    number: int, locks: int, workers: Executor, jobs: int, store: Store, channel: Channel | None = WAY
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        output = Path(name) / "out"
        plan = made_up(number, store, locks)
        options = TrialOptions(str(store.root), Stage.CONVERT, 600.0, None, 1 << 30)
        executor = RemoteExecutor(StandIns(workers), store, channel=channel)
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        results = run_plan(plan, Engine(Context(store), options, output, executor, jobs, remote=True))
        write_results(results, output)
        seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF)
        assert results.complete
        assert all(case.verdict == "converts" for case in results.cases)
        return {
            "cases": number,
            "workers": jobs,
            "seconds": seconds,
            "sleeping": number * CASE_SECONDS / jobs,
            "cpu_ms_per_case": 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / number,
            "most_memory_mb": after.ru_maxrss / 1024,
            "journal_mb": (output / JOURNAL).stat().st_size / 1e6,
        }


def main(many: int = 100_000) -> dict[str, Any]:
    found: dict[str, Any] = {"speed_up": [], "many": None}
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name) / "store")
        for workers in (1, 2, 3):
            opened, jobs = open_local_cluster(workers, store)
            assert isinstance(opened, RemoteExecutor)
            try:
                run(jobs, jobs, opened.inner, jobs, store, opened.channel)  # the first task imports
                found["speed_up"].append(run(600, 12, opened.inner, jobs, store, opened.channel))
            finally:
                opened.shutdown()
        with ThreadPoolExecutor(200) as threads:
            found["many"] = run(many, 2_000, threads, 200, store)
    return found


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:])), indent=1))
