"""The seed matrix over threads and over processes: the same results, byte for byte apart from times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from tfjs_compat import api
from tfjs_compat.results.case_result import Results
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.real


TIMES = ("seconds", "cached", "excerpt")
"""TensorFlow writes the time into each line of a log, and so of an excerpt of one."""


def without_times(results: Results) -> list[dict[str, Any]]:
    cases = [msgspec.to_builtins(case) for case in results.cases]
    return [{key: value for key, value in case.items() if key not in TIMES} for case in cases]


@pytest.fixture(scope="module")
def over_threads(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Results:
    output = tmp_path_factory.mktemp("threads") / "out"
    return api.run(api.RunRequest(matrix="seed", store=store, output=output, fresh=True))


def test_processes_come_to_what_threads_come_to(store: Store, over_threads: Results, tmp_path: Path) -> None:
    request = api.RunRequest(
        matrix="seed", store=store, output=tmp_path / "out", fresh=True, executor="processes", jobs=2
    )
    over_processes = api.run(request)
    assert over_processes.complete
    assert without_times(over_processes) == without_times(over_threads)
    assert without_times(api.read_results(tmp_path / "out")) == without_times(over_processes)


def test_a_killed_worker_process_costs_no_verdict(store: Store, over_threads: Results, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = [sys.executable, "-m", "tfjs_compat", "run", "seed", "--no-cache", "--executor", "processes"]
    child = subprocess.Popen(
        [*command, "--jobs", "2", "--output", str(output)],
        env={**os.environ, "TFJS_COMPAT_CACHE": str(store.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while not list(output.glob("servers/*/record.jsonl")) and time.monotonic() < deadline:
            time.sleep(0.1)
        workers = [
            process for process in psutil.Process(child.pid).children() if "spawn_main" in " ".join(process.cmdline())
        ]
        workers[0].send_signal(signal.SIGKILL)
        child.wait(600)
    finally:
        child.kill()
        child.wait()
    found = api.read_results(output)
    assert child.returncode == 0
    assert without_times(found) == without_times(over_threads)
    assert not (output / "servers").exists()
