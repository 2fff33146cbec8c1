"""The processes of a pool end with whoever gives them work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

COORDINATOR = """
import os, sys, time
from tfjs_compat.engine.executor import open_executor
from tfjs_compat.system.store import Store

if __name__ == "__main__":
    with open_executor("processes", 2, Store()) as (executor, *_):
        found = {executor.submit(os.getpid).result() for _ in range(20)}
        print(*found, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_idle_processes_end_with_their_coordinator(tmp_path: object, number: signal.Signals) -> None:
    child = subprocess.Popen([sys.executable, "-c", COORDINATOR], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        workers = [int(word) for word in child.stdout.readline().split()]
        assert workers
        child.send_signal(number)
        child.wait(30)
        deadline = time.monotonic() + 30
        while any(psutil.pid_exists(worker) for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [worker for worker in workers if psutil.pid_exists(worker)] == []
    finally:
        child.kill()
        child.wait()


def test_an_interrupt_of_the_terminal_is_the_coordinators(capfd: pytest.CaptureFixture[str]) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", COORDINATOR], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().split()
    os.killpg(child.pid, signal.SIGINT)
    child.wait(30)
    assert "SpawnProcess" not in capfd.readouterr().err
