"""Child processes, real ones: how they end, what limits them, and that nothing of them is left."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment, tool_environment
from tfjs_compat.system.process import ExitStatus, Limits

linux = pytest.mark.skipif(sys.platform != "linux", reason="daemons are followed where there is a /proc")

# Sleeps in a process of its own whose id it leaves in the file: alone, as a daemon, as one that hides.
SLEEPER = "import os, time, sys; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(300)"


class Child:
    """Runs Python code as a child; its output is in ``said`` afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log.txt"

    def __call__(self, code: str, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> ExitStatus:
        options.setdefault("limits", Limits(seconds=30))
        return process.run(
            [sys.executable, "-c", textwrap.dedent(code), *arguments],
            env=clean_environment(self.folder / "home") if env is None else env,
            cwd=self.folder,
            log=self.log,
            **options,
        )

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(tmp_path)


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    """Where a process leaves its id; should a test fail, it does not live on."""
    path = tmp_path / "pid"
    yield path
    if path.exists() and (pid := path.read_text()) and psutil.pid_exists(int(pid)):
        os.kill(int(pid), signal.SIGKILL)


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_alive(pid_file: Path) -> bool:
    try:
        return bool(psutil.Process(int(pid_file.read_text())).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# --------------------------------------------------------------------------------------------------- how a child ends


@pytest.mark.parametrize("code", [0, 1, 7, 127, 255])
def test_an_exit_code_is_passed_on(child: Child, code: int) -> None:
    ended = child(f"import os; os._exit({code})")
    assert (ended.exit_code, ended.limit_exceeded, ended.ok) == (code, None, code == 0)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGTERM", "SIGINT", "SIGKILL"])
def test_a_signal_is_passed_on(child: Child, name: str) -> None:
    ended = child(f"import os, signal; os.kill(os.getpid(), signal.{name}); import time; time.sleep(20)")
    assert ended.exit_code == -getattr(signal, name)
    assert name in ended.describe()
    assert not ended.ok
    assert "guard" not in child.said


def test_both_streams_are_logged_in_order(child: Child) -> None:
    child("import os; os.write(1, b'one '); os.write(2, b'two '); os.write(1, b'three')")
    assert child.said == "one two three"


def test_lines_are_told_as_they_come(child: Child) -> None:
    told: list[str] = []
    child("print('a'); print('b' * 10000); print('c\\xff')", on_line=told.append)
    assert (told[0], len(told[1]), told[2]) == ("a", 4096, "c\xff")


def test_a_child_has_no_standard_input(child: Child) -> None:
    assert child("import sys; raise SystemExit(len(sys.stdin.read()))").ok


def test_what_cannot_be_started_is_a_fault_of_the_machine(child: Child, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program")
    for argv in (["/nowhere/python"], ["no-such-program-anywhere"], [str(text)]):
        with pytest.raises(MachineryError, match="cannot start"):
            process.run(argv, env={"PATH": "/usr/bin"}, cwd=tmp_path, log=child.log)
    with pytest.raises(MachineryError, match="cannot start"):
        process.run([sys.executable, "-c", ""], env={}, cwd=tmp_path / "nowhere", log=child.log)
    with pytest.raises(MachineryError, match="text"):
        process.run([sys.executable, "-c", ""], env={}, cwd=tmp_path, log=text / "log")


def test_an_executable_of_another_kind_ends_with_127(child: Child, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"\x00\x01\x02")
    other.chmod(0o755)
    ended = process.run([str(other)], env={}, cwd=tmp_path, log=child.log)
    assert ended.exit_code == 127
    assert "cannot start" in child.said


# ------------------------------------------------------------------------------------------------------------- limits


def test_over_its_time_limit(child: Child) -> None:
    started = time.monotonic()
    ended = child("import time; print('hello', flush=True); time.sleep(60)", limits=Limits(seconds=0.5))
    assert ended.limit_exceeded == "over its time limit of 0.5 s"
    assert time.monotonic() - started < 5
    assert not ended.ok
    assert child.said == "hello\n"


def test_a_child_that_ignores_sigterm_dies_all_the_same(child: Child, pid_file: Path) -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); signal.signal(2, signal.SIG_IGN)\n" + SLEEPER
    ended = child(code, str(pid_file), limits=Limits(seconds=1.0))
    assert ended.limit_exceeded is not None
    assert not is_alive(pid_file)


def test_over_its_memory_limit(child: Child) -> None:
    code = "kept = []\nwhile True: kept.append(bytearray(b'x' * 10_000_000))"
    ended = child(code, limits=Limits(seconds=30, memory=300 << 20))
    assert ended.limit_exceeded == "over its memory limit of 0.293 GiB"
    assert 300 << 20 < ended.peak_memory < 4 << 30


def test_the_memory_of_the_whole_tree_counts(child: Child) -> None:
    code = """
        import subprocess, sys
        hold = "kept = b'x' * 150_000_000; import time; time.sleep(60)"
        for one in [subprocess.Popen([sys.executable, "-c", hold]) for _ in range(2)]: one.wait()
    """
    assert "memory" in str(child(code, limits=Limits(seconds=30, memory=250 << 20)).limit_exceeded)


@linux
def test_the_memory_of_a_daemon_counts(child: Child) -> None:
    code = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                kept = b"x" * 300_000_000
                time.sleep(60)
            os._exit(0)
        time.sleep(60)
    """
    assert "memory" in str(child(code, limits=Limits(seconds=30, memory=200 << 20)).limit_exceeded)


def test_a_flood_is_drained_fast_and_the_log_keeps_its_ends(child: Child) -> None:
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
    assert child.said.startswith("first line\nyyy")
    assert child.said.endswith("y\nlast line")
    assert "bytes of output left out" in child.said


def test_over_its_output_limit(child: Child) -> None:
    code = "import os\nwhile True: os.write(1, b'y' * 65536)"
    ended = child(code, limits=Limits(seconds=30, output=32 << 20))
    assert ended.limit_exceeded == "over its output limit of 32 MiB"
    assert child.log.stat().st_size < 6 << 20


def test_a_short_output_is_kept_whole(child: Child) -> None:
    child("import os; [os.write(1, b'%09d\\n' % number) for number in range(500_000)]")
    assert child.said == "".join(f"{number:09d}\n" for number in range(500_000))


# ----------------------------------------------------------------------------------------------------- nothing is left


def daemon(*, cleared: bool = False) -> str:
    """Code that leaves a daemon: forked twice, in a session of its own, its output elsewhere, perhaps unmarked."""
    return f"""
        import os, sys, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                quiet = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2): os.dup2(quiet, number)
                environment = {{}} if {cleared} else os.environ
                os.execve(sys.executable, [sys.executable, "-c", {SLEEPER!r}, sys.argv[1]], environment)
            os._exit(0)
        while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]): time.sleep(0.01)
    """


@linux
@pytest.mark.parametrize("end", ["pass", "time.sleep(60)", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_daemons_die_with_the_child(child: Child, pid_file: Path, end: str) -> None:
    ended = child(textwrap.dedent(daemon()) + end, str(pid_file), limits=Limits(seconds=1.2))
    assert pid_file.read_text()
    assert not is_alive(pid_file)
    assert (ended.limit_exceeded is not None) == ("sleep(60)" in end)


@linux
def test_a_daemon_that_clears_its_environment_dies_too(child: Child, pid_file: Path) -> None:
    assert child(daemon(cleared=True), str(pid_file)).ok
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


def test_stop_ends_the_child_and_raises(child: Child, pid_file: Path) -> None:
    stop = threading.Event()
    threading.Thread(target=lambda: [wait_for(pid_file.exists), stop.set()], daemon=True).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        child(SLEEPER, str(pid_file), stop=stop)
    assert time.monotonic() - started < 10
    assert not is_alive(pid_file)


RUNNER = """
import signal, sys
from pathlib import Path
for number in (signal.SIGHUP, signal.SIGTERM):  # nohup leaves the first ignored
    signal.signal(number, signal.SIG_DFL)
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
here = Path(sys.argv[1])
process.run(sys.argv[2:], env=clean_environment(here / "home"), cwd=here, log=here / "log.txt")
"""


@linux
@pytest.mark.parametrize("how", ["child", "daemon"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_runner_that_is_killed_takes_all_with_it(
    tmp_path: Path, pid_file: Path, how: str, number: signal.Signals
) -> None:
    code = SLEEPER if how == "child" else textwrap.dedent(daemon()) + "time.sleep(300)"
    command = [sys.executable, "-c", RUNNER, str(tmp_path), sys.executable, "-c", code, str(pid_file)]
    runner = subprocess.Popen(command)
    try:
        assert wait_for(lambda: pid_file.exists() and pid_file.read_text(), 20)
        assert is_alive(pid_file)
        runner.send_signal(number)
        runner.wait(10)
        assert wait_for(lambda: not is_alive(pid_file), 5)
    finally:
        runner.kill()
        runner.wait()


# ------------------------------------------------------------------------------------------------------- environments


SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hush-1",
    "MY_TOKEN": "hush-2",
    "GITHUB_TOKEN": "hush-3",
    "PIP_INDEX_URL": "https://user:hush-4@index.example/simple/",
    "https_proxy": "http://user:hush-5@proxy.example:3128",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": "/hush-6",
    "PYTHONSTARTUP": "/hush-7",
    "LD_PRELOAD": "",
}


def test_a_child_gets_nothing_secret(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert child("import os\nfor item in sorted(os.environ.items()): print('%s=%s' % item)").ok
    seen = dict(line.split("=", 1) for line in child.said.splitlines())
    assert "hush" not in child.said
    assert not set(SECRETS) & set(seen)
    assert not [name for name in seen if name.startswith(("PYTHON", "PIP_", "LD_"))]
    assert seen["HOME"] == str(child.folder / "home")
    assert seen["TMPDIR"].startswith(seen["HOME"])
    assert seen["HTTP_PROXY"] == "http://proxy.example:3128"


def test_a_package_tool_gets_its_own_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_INDEX_OWN_PASSWORD", "wanted")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    given = tool_environment(("UV_INDEX",), EXTRA="1")
    assert given["UV_INDEX_OWN_PASSWORD"] == "wanted"
    assert given["EXTRA"] == "1"
    assert not set(given) & (set(SECRETS) - {"https_proxy"})
    assert "UV_EXCLUDE_NEWER" not in given


# --------------------------------------------------------------------------------------------------------- a full disk


def test_a_log_that_cannot_be_written_is_a_fault_of_the_machine(child: Child, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    child.log.symlink_to(full)
    started = time.monotonic()
    with pytest.raises(MachineryError, match="no space left"):
        child("import os\nfor _ in range(100): os.write(1, b'y' * 65536)")
    with pytest.raises(MachineryError, match="no space left"):
        child("import os, time; os.write(1, b'y'); time.sleep(60)")
    assert time.monotonic() - started < 10
