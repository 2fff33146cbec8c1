"""Children that take a second or more to be ended: those that hide, flood, or do not listen."""

import sys
import textwrap
import time
from pathlib import Path

import pytest
from support.children import SLEEPER, Child, daemon, is_alive

from tfjs_compat.system.process import Limits

linux = pytest.mark.skipif(sys.platform != "linux", reason="daemons are followed where there is a /proc")


def test_a_child_that_ignores_sigterm_dies_all_the_same(child: Child, pid_file: Path) -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); signal.signal(2, signal.SIG_IGN)\n" + SLEEPER
    ended = child(code, str(pid_file), limits=Limits(seconds=1.0))
    assert ended.limit_exceeded is not None
    assert not is_alive(pid_file)


def test_a_flood_is_drained_and_its_ends_are_kept(child: Child) -> None:
    code = """
        import os
        os.write(1, b"first line\\n")
        block = b"y" * (1 << 20)
        for _ in range(950): os.write(1, block)
        os.write(1, b"\\nlast line")
    """
    started = time.monotonic()
    assert child(code, limits=Limits(seconds=60)).ok
    assert time.monotonic() - started < 20
    assert child.log.stat().st_size < 6 << 20
    assert child.printed.startswith("first line\nyyy")
    assert child.printed.endswith("y\nlast line")
    assert "bytes of output left out" in child.printed


@linux
def test_a_daemon_dies_with_a_child_over_its_limit(child: Child, pid_file: Path) -> None:
    ended = child(textwrap.dedent(daemon()) + "time.sleep(60)", str(pid_file), limits=Limits(seconds=1.5))
    assert ended.limit_exceeded is not None
    assert pid_file.read_text()
    assert not is_alive(pid_file)


@linux
def test_what_forks_faster_than_one_can_look_dies(child: Child, tmp_path: Path) -> None:
    code = """
        import os, time
        for _ in range(12):
            if os.fork() == 0:
                os.setsid()
                while True:
                    if os.fork() != 0:
                        os._exit(0)
                    open("alive", "w").write(str(time.time()))
        time.sleep(0.4)
    """
    child(code)
    seen = (tmp_path / "alive").stat().st_mtime_ns
    time.sleep(0.4)
    assert (tmp_path / "alive").stat().st_mtime_ns == seen


@linux
def test_killing_the_guard_saves_nobody(child: Child, pid_file: Path) -> None:
    code = textwrap.dedent(daemon()) + "os.kill(os.getppid(), 9); time.sleep(60)"
    child(code, str(pid_file), limits=Limits(seconds=10.0))
    assert pid_file.read_text()
    assert not is_alive(pid_file)
