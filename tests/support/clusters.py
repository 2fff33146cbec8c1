"""A Dask cluster of processes of this machine, each worker with a store of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import distributed

from support.children import wait_for


class Cluster:
    """A scheduler, and workers of one thread each; ``address`` is HOST:PORT."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._folder, self._variables = folder, variables
        self.workers: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        assert wait_for(lambda: file.exists() and file.read_text().rstrip().endswith("}"), 60), "no scheduler"
        self.address = str(json.loads(file.read_text())["address"]).removeprefix("tcp://")

    def store(self, number: int) -> Path:
        return self._folder / f"store-{number}"

    def add_worker(self) -> int:
        """Start a worker; its number."""
        number = len(self.workers)
        # Nothing is shared, as on other machines.
        variables = {"TFJS_COMPAT_CACHE": str(self.store(number)), "UV_CACHE_DIR": str(self._folder / f"uv-{number}")}
        arguments = ("worker", f"tcp://{self.address}", "--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        local = ("--local-directory", str(self._folder / f"dask-{number}"), "--name", str(number))
        self.workers.append(self._start(*arguments, *local, **variables))
        return number

    def building(self) -> list[int]:
        """The numbers of the workers of which a child runs a case."""
        return [
            number
            for number in range(len(self.workers))
            if any(True for _ in (self.store(number) / "scratch").glob("remote-*/servers/*/record.jsonl"))
        ]

    def wait_for_workers(self) -> None:
        """Wait until the scheduler knows every worker that was started."""
        with distributed.Client(f"tcp://{self.address}", set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(30)

    def close(self) -> None:
        for child in (*self.workers, self.scheduler):
            self.kill(child)

    def _start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:], "--no-dashboard"],
            env={**self._variables, **variables},
            cwd=self._folder,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def cluster(folder: Path, variables: Mapping[str, str], workers: int) -> Iterator[Cluster]:
    """A cluster of so many workers, ended at the end."""
    folder.mkdir(exist_ok=True)
    made = Cluster(folder, variables)
    try:
        for _ in range(workers):
            made.add_worker()
        yield made
    finally:
        made.close()
