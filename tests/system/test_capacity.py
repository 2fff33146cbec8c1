"""What a machine can do at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest

from tfjs_compat.errors import Interrupted
from tfjs_compat.system.capacity import CASE_MEMORY, MemoryGate, cores, default_jobs, free_memory, total_memory


@pytest.mark.parametrize(("processors", "cases", "jobs"), [(4, 10.0, 4), (4, 2.5, 2), (4, 0.1, 1), (1, 9.0, 1)])
def test_jobs_by_cores_and_memory(processors: int, cases: float, jobs: int) -> None:
    assert default_jobs(lambda: processors, lambda: int(cases * CASE_MEMORY)) == jobs


class Groups:
    """A /proc and a /sys/fs/cgroup of our own."""

    def __init__(self, folder: Path, text: str) -> None:
        self.proc, self.cgroups = folder / "proc", folder / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "self" / "cgroup").write_text(text)

    def limit(self, group: str, limit: int | str, used: int, cached: int) -> None:
        """Give a group of version 2 a limit."""
        self._write(
            group, {"memory.max": limit, "memory.current": used, "memory.stat": f"anon 1\ninactive_file {cached}"}
        )

    def limit_1(self, group: str, limit: int | str, used: int, cached: int) -> None:
        """Give a group of version 1 a limit."""
        stat = f"inactive_file 0\ntotal_inactive_file {cached}"
        files = {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": used, "memory.stat": stat}
        self._write(group, files)

    def quota(self, group: str, text: str) -> None:
        """Give a group of version 2 a quota of the processors."""
        self._write(group, {"cpu.max": text})

    def quota_1(self, group: str, quota: int, period: int) -> None:
        """Give a group of version 1 a quota of the processors."""
        self._write(group, {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": period})

    def _write(self, group: str, files: dict[str, int | str]) -> None:
        folder = self.cgroups / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(f"{content}\n")

    @property
    def cores(self) -> int:
        return cores(self.proc, self.cgroups)

    @property
    def free_and_total(self) -> tuple[int, int]:
        return free_memory(self.proc, self.cgroups), total_memory(self.proc, self.cgroups)


UNLIMITED = 9223372036854771712


def test_the_group_that_a_process_is_in_limits_it(tmp_path: Path) -> None:
    groups = Groups(tmp_path, "0::/user.slice/job.scope\n")
    groups.limit("user.slice", "max", 9000, 0)
    groups.limit("user.slice/job.scope", 5000, 4000, 700)
    assert groups.free_and_total == (1700, 5000)


def test_a_group_above_limits_what_is_below_it(tmp_path: Path) -> None:
    groups = Groups(tmp_path, "0::/pod/container\n")
    groups.limit("pod", 3000, 2900, 0)
    groups.limit("pod/container", 5000, 1000, 0)
    assert groups.free_and_total == (100, 3000)


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    groups = Groups(tmp_path, "12:cpu,cpuacct:/elsewhere\n7:hugetlb,memory:/docker/abc\n0::/\n")
    groups.limit_1("memory", UNLIMITED, 9000, 0)
    groups.limit_1("memory/docker/abc", 5000, 4000, 700)
    assert groups.free_and_total == (1700, 5000)


@pytest.mark.parametrize("text", ["0::/\n", "0::/host/path/of/it\n", "0::/../other\n"])
def test_a_container_that_sees_its_group_at_the_top(tmp_path: Path, text: str) -> None:
    groups = Groups(tmp_path, text)
    groups.limit("", 5000, 5200, 700)
    assert groups.free_and_total == (500, 5000)


def test_a_group_over_its_limit_has_nothing_free(tmp_path: Path) -> None:
    groups = Groups(tmp_path, "0::/\n")
    groups.limit("", 5000, 6000, 0)
    assert groups.free_and_total == (0, 5000)


@pytest.mark.parametrize("text", ["", "0::/a\n", "nonsense\n::\n", "4:memory:/a\n"])
def test_without_limits_the_machines_memory_counts(tmp_path: Path, text: str) -> None:
    groups = Groups(tmp_path, text)
    groups.limit("a", "max", 4000, 0)
    groups.limit_1("memory/a", UNLIMITED, 4000, 0)
    free, total = groups.free_and_total
    machine = psutil.virtual_memory()
    assert total == machine.total
    assert free > machine.available // 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100000 100000", 1), ("190000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), ("1 0", None)],
)
def test_processors_are_limited_by_a_quota(tmp_path: Path, text: str, expected: int | None) -> None:
    groups = Groups(tmp_path, "0::/pod/container\n")
    groups.quota("pod/container", "max 100000")
    groups.quota("pod", text)
    assert groups.cores == (expected or cores(tmp_path / "nowhere"))


@pytest.mark.parametrize(("quota", "expected"), [(100_000, 1), (-1, None)])
@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_quotas_of_the_first_version(tmp_path: Path, folder: str, quota: int, expected: int | None) -> None:
    groups = Groups(tmp_path, "3:cpu,cpuacct:/docker/abc\n")
    groups.quota_1(f"{folder}/docker/abc", quota, 100_000)
    assert groups.cores == (expected or cores(tmp_path / "nowhere"))


def test_one_may_always_run_and_the_next_waits_for_memory() -> None:
    free = [10]
    gate = MemoryGate(threading.Event(), lambda: free[0], 100)
    admit, waiting = threading.Event(), threading.Event()

    def second() -> None:
        with gate.admit(waiting.set):
            admit.set()

    with gate.admit(pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not admit.wait(0.1)
        free[0] = 100
        assert admit.wait(5)
    thread.join()


def test_a_waiting_case_begins_when_another_ends() -> None:
    gate = MemoryGate(threading.Event(), lambda: 0, 100)
    waiting = threading.Event()
    ended: list[float] = []

    def second() -> None:
        with gate.admit(waiting.set):
            ended.append(time.monotonic())

    thread = threading.Thread(target=second)
    with gate.admit():
        thread.start()
        assert waiting.wait(5)
    left = time.monotonic()
    thread.join(5)
    assert ended[0] - left < 0.3


def test_an_interrupt_ends_the_wait() -> None:
    stop = threading.Event()
    gate = MemoryGate(stop, lambda: 0, 100)
    with gate.admit(), pytest.raises(Interrupted), gate.admit(stop.set):
        pytest.fail("entered")
    with gate.admit():
        pass
