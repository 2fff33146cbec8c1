"""What a machine can do at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tfjs_compat.errors import Interrupted
from tfjs_compat.system import capacity
from tfjs_compat.system.capacity import CASE_MEMORY, MemoryGate, default_jobs, free_memory


@pytest.mark.parametrize(("cores", "cases", "jobs"), [(4, 10.0, 4), (4, 2.5, 2), (4, 0.1, 1), (1, 9.0, 1)])
def test_jobs_by_cores_and_memory(monkeypatch: pytest.MonkeyPatch, cores: int, cases: float, jobs: int) -> None:
    monkeypatch.setattr(capacity, "cores", lambda: cores)
    monkeypatch.setattr(capacity, "free_memory", lambda: int(cases * CASE_MEMORY))
    assert default_jobs() == jobs


def test_the_memory_of_a_container_counts(tmp_path: Path) -> None:
    whole = free_memory(tmp_path)
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4000\n")
    (tmp_path / "memory.stat").write_text("anon 3000\ninactive_file 700\n")
    assert free_memory(tmp_path) == 1700
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) > whole // 2


def test_one_may_always_run_and_the_next_waits_for_memory() -> None:
    free = [10]
    room = MemoryGate(threading.Event(), lambda: free[0], 100)
    admit, waiting = threading.Event(), threading.Event()

    def second() -> None:
        with room.admit(waiting.set):
            admit.set()

    with room.admit(pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not admit.wait(0.1)
        free[0] = 100
        assert admit.wait(5)
    thread.join()


def test_who_waits_goes_on_as_soon_as_the_other_has_ended() -> None:
    room = MemoryGate(threading.Event(), lambda: 0, 100)
    waiting = threading.Event()
    ended: list[float] = []

    def second() -> None:
        with room.admit(waiting.set):
            ended.append(time.monotonic())

    thread = threading.Thread(target=second)
    with room.admit():
        thread.start()
        assert waiting.wait(5)
    left = time.monotonic()
    thread.join(5)
    assert ended[0] - left < 0.3


def test_an_interrupt_ends_the_wait() -> None:
    stop = threading.Event()
    room = MemoryGate(stop, lambda: 0, 100)
    with room.admit(), pytest.raises(Interrupted), room.admit(stop.set):
        pytest.fail("entered")
    with room.admit():
        pass
