"""The processes below one, as /proc lists them and as it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjs_compat.system import process_tree
from tfjs_compat.system.process_tree import Meter, memory, tree

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

FAMILY = """
import subprocess, sys, time
if sys.argv[1] != "0":
    subprocess.Popen([sys.executable, "-c", sys.argv[2], str(int(sys.argv[1]) - 1), sys.argv[2]])
print("begun", flush=True)
time.sleep(60)
"""


@pytest.fixture
def family() -> Iterator[int]:
    """A process with a child that has a child."""
    child = subprocess.Popen(
        [sys.executable, "-c", FAMILY, "2", FAMILY], stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    for _ in range(3):
        child.stdout.readline()
    yield child.pid
    os.killpg(child.pid, 9)
    child.wait()
    child.stdout.close()


class Proc:
    """A /proc of our own."""

    def __init__(self, root: Path, *, lists_children: bool) -> None:
        self.root, self._lists = root, lists_children
        self.add(1, 0)
        (root / "self").symlink_to(root / "1")
        if lists_children:
            (root / "thread-self").mkdir()
            (root / "thread-self" / "children").touch()

    def add(self, pid: int, parent: int, *, pages: int = 0, ticks: int = 0, waited: tuple[float, ...] = (0.0,)) -> None:
        folder = self.root / str(pid)
        fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", "0", "0", *["0"] * 30]
        folder.mkdir(exist_ok=True)
        (folder / "stat").write_text(f"{pid} (a) b (c) {' '.join(fields)}\n")
        (folder / "statm").write_text(f"999 {pages} 0 0 0 0 0\n")
        (folder / "schedstat").write_text("0 0 0\n")
        for number, seconds in enumerate(waited):
            thread = folder / "task" / str(pid * 100 + number)
            thread.mkdir(parents=True, exist_ok=True)
            (thread / "schedstat").write_text(f"5 {int(seconds * 1e9)} 7\n")
            (thread / "children").touch()
        if self._lists and parent:
            (first, *_) = (self.root / str(parent) / "task").iterdir()
            with (first / "children").open("a") as file:
                file.write(f"{pid} ")


@pytest.mark.parametrize("lists_children", [True, False])
def test_all_below_a_process_are_found(tmp_path: Path, lists_children: bool) -> None:
    proc = Proc(tmp_path, lists_children=lists_children)
    for pid, parent in ((10, 1), (11, 1), (20, 10), (21, 10), (30, 21)):
        proc.add(pid, parent)
    assert sorted(tree(10, tmp_path)) == [10, 20, 21, 30]
    assert tree(10, tmp_path)[0] == 10
    assert tree(11, tmp_path) == [11]


@pytest.mark.parametrize("root", ["/proc", "/nowhere"])
def test_a_real_family_is_found_with_its_memory(family: int, root: str) -> None:
    found = tree(family, Path(root))
    assert len(found) == 3
    assert 3 << 20 < memory(found, proc=Path(root)) < 1 << 30


def test_of_what_has_ended_nothing_is_found(tmp_path: Path) -> None:
    proc = Proc(tmp_path, lists_children=True)
    assert tree(4711, proc.root) == [4711]
    assert memory([4711], proc=proc.root) == 0
    assert Meter(lambda: [4711], proc.root).read() == process_tree.Shares(0.0, 0.0)


def test_the_most_delayed_thread_counts(tmp_path: Path) -> None:
    proc = Proc(tmp_path, lists_children=True)
    proc.add(10, 1, ticks=300, waited=(1.0, 2.0))
    meter = Meter(lambda: tree(10, tmp_path), tmp_path)
    second = os.sysconf("SC_CLK_TCK")
    proc.add(10, 1, ticks=300 + 2 * second, waited=(1.5, 9.0))
    proc.add(20, 10, ticks=second, waited=(3.0,))
    assert meter.read() == process_tree.Shares(used=3.0, waited=7.0)


@linux
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not say who waited")
def test_who_sleeps_neither_uses_nor_waits(family: int) -> None:
    meter = Meter(lambda: tree(family))
    time.sleep(0.3)
    shares = meter.read()
    assert shares.used < 0.1
    assert shares.waited < 0.1


@pytest.mark.parametrize(("idle", "has_waited"), [(0.0, True), (0.02, True), (0.5, False), (1.0, False)])
def test_where_no_system_says_who_waited_a_busy_machine_does(family: int, idle: float, has_waited: bool) -> None:
    readings = iter([(100.0, 500.0), (100.0 + 2 * idle, 502.0)])
    meter = Meter(lambda: [family], Path("/nowhere"), lambda: next(readings))
    time.sleep(0.2)
    assert (meter.read().waited > 0.1) is has_waited
