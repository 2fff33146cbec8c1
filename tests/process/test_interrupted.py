"""A run that is interrupted, killed or out of disk, at every stage, over an index that answers when the test wants."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.children import wait_for
from support.runs import MATRIX, Runs, SlowIndex, add_module


def in_a_case(runs: Runs) -> bool:
    return wait_for(lambda: list(runs.output.glob("cases/*build_slowly*/*/began")))


def finish(runs: Runs, index: SlowIndex) -> None:
    """The next run goes on and comes to its end, whatever happened to the one before."""
    index.go.set()
    code, _, _ = runs.end(runs.start("--time-limit", "2"), 60)
    assert code == 1
    results = runs.results()
    assert results["complete"] is True
    assert [case["message"][:17] for case in results["cases"]] == ["ValueError: ended", "the case was stop"]
    assert len(runs.environments()) == 1
    assert runs.left() == []


def test_interrupted_in_the_middle_of_an_install(runs: Runs, index: SlowIndex) -> None:
    child = runs.start()
    assert index.wanted.wait(30)
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    code, _, _ = runs.end(child)
    assert code == 130
    assert time.monotonic() - started < 10
    assert runs.left() == []
    assert runs.environments() == []
    assert (runs.results()["complete"], runs.results()["cases"]) == (False, [])
    finish(runs, index)


def test_killed_in_the_middle_of_an_install(runs: Runs, index: SlowIndex) -> None:
    child = runs.start()
    assert index.wanted.wait(30)
    child.kill()
    child.communicate()
    assert wait_for(lambda: runs.left() == [], 5)
    assert runs.environments() == []
    assert not (runs.output / "results.json").exists()
    finish(runs, index)


@pytest.mark.parametrize(("number", "isolation"), [(signal.SIGINT, "fork"), (signal.SIGTERM, "process")])
def test_interrupted_in_the_middle_of_a_case(
    runs: Runs, index: SlowIndex, number: signal.Signals, isolation: str
) -> None:
    index.go.set()
    child = runs.start("--jobs", "1", "--isolation", isolation)
    assert in_a_case(runs)
    child.send_signal(number)
    code, out, _ = runs.end(child)
    assert code == 130
    assert runs.left() == []
    results = runs.results()
    assert results["complete"] is False
    assert [case["message"] for case in results["cases"]] == ["ValueError: ended"]
    assert "Incomplete run: 1 of 2 cases finished" in out
    finish(runs, index)


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_killed_in_the_middle_of_a_case(runs: Runs, index: SlowIndex, isolation: str) -> None:
    index.go.set()
    child = runs.start("--jobs", "1", "--isolation", isolation)
    assert in_a_case(runs)
    assert runs.left() != []
    child.kill()
    child.communicate()
    assert wait_for(lambda: runs.left() == [], 5)
    finish(runs, index)


def test_a_second_interrupt_changes_nothing_for_the_worse(runs: Runs, index: SlowIndex) -> None:
    child = runs.start()
    assert index.wanted.wait(30)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    code, _, _ = runs.end(child)
    assert code == 130
    assert runs.left() == []
    finish(runs, index)


def test_interrupted_while_the_index_does_not_answer(runs: Runs, index: SlowIndex) -> None:
    index.pages = False
    child = runs.start()
    assert index.wanted.wait(30)
    child.send_signal(signal.SIGINT)
    code, _, err = runs.end(child)
    assert code == 130
    assert "interrupted" in err
    assert runs.left() == []
    index.pages = True
    finish(runs, index)


def test_interrupted_while_another_run_builds(runs: Runs, index: SlowIndex, tmp_path: Path) -> None:
    first = runs.start()
    assert index.wanted.wait(30)
    runs.output = tmp_path / "second"
    second = runs.start()
    assert wait_for(lambda: (tmp_path / "second" / "locks").exists())
    time.sleep(0.3)
    second.send_signal(signal.SIGINT)
    assert runs.end(second)[0] == 130
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    assert runs.end(first)[0] == 130
    finish(runs, index)


def test_two_runs_at_once_build_one_environment(runs: Runs, index: SlowIndex, tmp_path: Path) -> None:
    first = runs.start("--time-limit", "2")
    assert index.wanted.wait(30)
    runs.output = tmp_path / "second"
    second = runs.start("--time-limit", "2")
    assert wait_for(lambda: (tmp_path / "second" / "locks").exists())
    index.go.set()
    codes = [runs.end(run, 60)[0] for run in (first, second)]
    assert codes == [1, 1]
    assert len([path for path in index.requests if path.endswith(".whl")]) == 3
    assert len(runs.environments()) == 1


# --------------------------------------------------------------------------------------------------------- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    path = disk / "filler"
    with contextlib.suppress(OSError), path.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - leave)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
class TestFullDisk:
    def no_space(self, runs: Runs) -> None:
        code, out, err = runs.end(runs.start("--time-limit", "2"), 60)
        assert code == 3
        assert "no space left" in " ".join((out + err).split()).lower()
        assert runs.left() == []

    def test_a_store_without_room_for_the_packages(self, runs: Runs, index: SlowIndex, small_disk: Path) -> None:
        add_module(index, "jax", "1.0", os.urandom(6_000_000))
        (runs.folder / "m.toml").write_text(MATRIX + 'extra = ["jax"]\n')
        index.go.set()
        runs.environment["TFJS_COMPAT_CACHE"] = str(small_disk / "store")
        runs.store = small_disk / "store"
        self.no_space(runs)
        assert runs.environments() == []
        assert list((runs.store / "environments").iterdir()) == []
        assert [case["verdict"] for case in runs.results()["cases"]] == ["error", "error"]
        (runs.folder / "m.toml").write_text(MATRIX)
        finish(runs, index)

    @pytest.mark.parametrize("leave", [0, 100_000])
    def test_a_full_store(self, runs: Runs, index: SlowIndex, small_disk: Path, leave: int) -> None:
        index.go.set()
        runs.environment["TFJS_COMPAT_CACHE"] = str(small_disk / "store")
        runs.store = small_disk / "store"
        filler = fill(small_disk, leave)
        self.no_space(runs)
        filler.unlink()
        finish(runs, index)

    @pytest.mark.parametrize(("leave", "isolation"), [(0, "fork"), (16384, "fork"), (40_000, "process")])
    def test_a_full_output(self, runs: Runs, index: SlowIndex, small_disk: Path, leave: int, isolation: str) -> None:
        index.go.set()
        runs.output = small_disk / "out"
        filler = fill(small_disk, leave)
        code, out, err = runs.end(runs.start("--time-limit", "2", "--isolation", isolation), 60)
        assert code == 3
        assert "no space left" in " ".join((out + err).split()).lower()
        assert runs.left() == []
        filler.unlink()
        finish(runs, index)

    def test_a_case_that_fills_the_disk(self, runs: Runs, index: SlowIndex, small_disk: Path) -> None:
        index.go.set()
        runs.output = small_disk / "out"
        (runs.folder / "model.py").write_text(FILLERS)
        (runs.folder / "m.toml").write_text(MATRIX.replace("build_slowly", "print_all"))
        self.no_space(runs)


FILLERS = """
def build():
    with open("big", "wb") as file:
        while True:
            file.write(b"x" * 65536)
def print_all():
    build()
"""
