"""A child that writes and writes is ended before it takes the disk from others, however it hides what it takes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.children import Child
from support.runs import MATRIX, Runs, SlowIndex

from tfjs_compat.system.files import remove_flat
from tfjs_compat.system.process import Limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="deleted files are found where there is a /proc")

LIMITS = Limits(seconds=30, disk=64 << 20)
OVER = "over its disk limit of 0.0625 GiB"
WRITERS = {
    "one file": """
        with open("file", "wb") as file:
            while True: file.write(b"x" * 1_000_000)
    """,
    "many files": """
        for number in range(10**9): open(str(number), "wb").write(b"x" * 4_000_000)
    """,
    "empty files": """
        for number in range(10**9): open(str(number), "wb").close()
    """,
    "a deleted file": """
        file = open("deleted", "wb")
        os.unlink("deleted")
        while True:
            file.write(b"x" * 1_000_000)
            time.sleep(0.01)
    """,
    "the file of a daemon": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.mkdir("below")
                open("below/file", "wb").write(b"x" * 80_000_000)
                time.sleep(60)
            os._exit(0)
        time.sleep(60)
    """,
    "folders in folders": """
        while True:
            os.mkdir("folder")
            os.chdir("folder")
    """,
}


@pytest.mark.parametrize("name", WRITERS)
def test_over_its_disk_limit(child: Child, name: str) -> None:
    ended = child("        import os, time" + WRITERS[name], limits=LIMITS)
    assert ended.limit_exceeded == OVER
    # It is the child's doing, and no fault of the machine.
    assert ended.fault is None
    remove_flat(child.folder)


def test_what_takes_little_is_not_over_its_limit(child: Child) -> None:
    code = """
        import os, time
        open("hole", "wb").truncate(1 << 40)
        open("file", "wb").write(b"x" * 30_000_000)
        for number in range(4): os.link("file", str(number))
        os.symlink("/usr", "link")
        time.sleep(1.6)
    """
    assert child(code, limits=LIMITS).ok


def test_a_file_that_the_system_ends(child: Child) -> None:
    code = f"import os, signal; signal.signal({signal.SIGXFSZ}, 0); os.kill(os.getpid(), {signal.SIGXFSZ})"
    assert child(code, limits=LIMITS).limit_exceeded == OVER
    assert child(code).limit_exceeded is None


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


SLOW_FILLER = """
import time
def fills():
    with open("big", "wb") as file:
        while True:
            file.write(b"x" * 1_000_000)
            time.sleep(0.05)
def waits():
    time.sleep(6)
    with open("small", "wb") as file:
        file.write(b"x" * 2_000_000)
    raise ValueError("ended")
"""


def two_at_once(runs: Runs, index: SlowIndex, limits: str) -> tuple[int, dict[str, dict[str, str]]]:
    index.go.set()
    (runs.folder / "model.py").write_text(SLOW_FILLER)
    (runs.folder / "m.toml").write_text(
        MATRIX.replace("build_slowly", "fills").replace("model.py:build", "model.py:waits") + limits
    )
    code, _, _ = runs.end(runs.start("--jobs", "2", "--isolation", "process"), 60)
    assert runs.left() == []
    return code, {case["model"].partition(":")[2]: case for case in runs.results()["cases"]}


def test_a_case_over_its_limit_fails_and_the_other_is_what_it_is(runs: Runs, index: SlowIndex) -> None:
    code, cases = two_at_once(runs, index, "[limits]\ndisk = 0.1\n")
    assert code == 1
    assert cases["fills"]["message"] == "the case was stopped: over its disk limit of 0.1 GiB during build"
    assert (cases["fills"]["verdict"], cases["waits"]["message"]) == ("fails", "ValueError: ended")


def test_a_case_that_leaves_no_room_is_stopped_before_others_have_none(
    runs: Runs, index: SlowIndex, disk: Path
) -> None:
    runs.output = disk / "out"
    (disk / "others").write_bytes(b"x" * 200_000_000)
    code, cases = two_at_once(runs, index, "")
    assert code == 3
    assert "no space left on the device for others" in cases["fills"]["message"]
    assert (cases["fills"]["verdict"], cases["waits"]["message"]) == ("error", "ValueError: ended")
