"""Child processes, real ones: how they end, what limits them, and that nothing of them is left."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from support.children import SLEEPER, Child, daemon, is_alive, wait_for

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment, tool_environment
from tfjs_compat.system.output import Output
from tfjs_compat.system.process import Limits

linux = pytest.mark.skipif(sys.platform != "linux", reason="daemons are followed where there is a /proc")

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
    assert "guard" not in child.printed


def test_both_streams_are_logged_in_order(child: Child) -> None:
    child("import os; os.write(1, b'one '); os.write(2, b'two '); os.write(1, b'three')")
    assert child.printed == "one two three"


def test_lines_are_passed_on_as_they_come(child: Child) -> None:
    lines: list[str] = []
    child("print('a'); print('b' * 10000); print('c\\xff')", on_line=lines.append)
    assert (lines[0], len(lines[1]), lines[2]) == ("a", 4096, "c\xff")


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
    assert "cannot start" in child.printed


# ------------------------------------------------------------------------------------------------------------- limits


def test_over_its_time_limit(child: Child) -> None:
    started = time.monotonic()
    ended = child("import time; print('hello', flush=True); time.sleep(60)", limits=Limits(seconds=0.5))
    assert ended.limit_exceeded == "over its time limit of 0.5 s"
    assert time.monotonic() - started < 5
    assert not ended.ok
    assert child.printed == "hello\n"


def test_what_stops_tool_and_child_together_takes_none_of_its_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a frozen container does: the watch comes back long after it meant to."""
    monkeypatch.setattr(process, "_PAUSE", 0.5)
    waits = iter([False, True])

    def has_ended(_seconds: float) -> bool:
        time.sleep(0.8)
        return next(waits)

    with (tmp_path / "pipe").open("w+b") as pipe, (tmp_path / "log").open("w+b") as sink:
        watched = process.watch(has_ended, list, Output(pipe, sink, None), Limits(seconds=0.7), None, tmp_path)
    assert watched.limit_exceeded is None


def test_over_its_memory_limit(child: Child) -> None:
    code = "kept = []\nwhile True: kept.append(bytearray(b'x' * 10_000_000))"
    ended = child(code, limits=Limits(seconds=30, memory=300 << 20))
    assert ended.limit_exceeded == "over its memory limit of 0.293 GiB"
    assert 300 << 20 < ended.peak_memory < 4 << 30


def test_the_memory_of_the_whole_tree_counts(child: Child) -> None:
    code = """
        import subprocess, sys
        hold = "kept = b'x' * 150_000_000; import time; time.sleep(60)"
        for holder in [subprocess.Popen([sys.executable, "-c", hold]) for _ in range(2)]: holder.wait()
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


def test_over_its_output_limit(child: Child) -> None:
    code = "import os\nwhile True: os.write(1, b'y' * 65536)"
    ended = child(code, limits=Limits(seconds=30, output=32 << 20))
    assert ended.limit_exceeded == "over its output limit of 32 MiB"
    assert child.log.stat().st_size < 6 << 20


def test_a_short_output_is_kept_whole(child: Child) -> None:
    child("import os; [os.write(1, b'%09d\\n' % number) for number in range(500_000)]")
    assert child.printed == "".join(f"{number:09d}\n" for number in range(500_000))


# ----------------------------------------------------------------------------------------------------- nothing is left


@linux
@pytest.mark.parametrize("end", ["pass", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_daemons_die_with_the_child(child: Child, pid_file: Path, end: str) -> None:
    child(textwrap.dedent(daemon()) + end, str(pid_file))
    assert pid_file.read_text()
    assert not is_alive(pid_file)


@linux
def test_a_daemon_that_clears_its_environment_dies_too(child: Child, pid_file: Path) -> None:
    assert child(daemon(cleared=True), str(pid_file)).ok
    assert pid_file.read_text()
    assert not is_alive(pid_file)


def started(child: Child, code: str) -> process.Child:
    command = [sys.executable, "-c", code]
    return process.Child(command, env=clean_environment(child.folder / "home"), cwd=child.folder, log=child.log)


@linux
@pytest.mark.parametrize("code", ["pass", "import time; time.sleep(60)"])
def test_the_guard_vouches_that_nothing_is_left(child: Child, code: str) -> None:
    running = started(child, code)
    assert not running.nothing_left
    if code == "pass":
        assert wait_for(lambda: running.has_ended, 10)
    running.end()
    assert running.nothing_left


@linux
def test_nobody_vouches_for_what_a_killed_guard_leaves(child: Child) -> None:
    running = started(child, "import os; os.kill(os.getppid(), 9)")
    assert wait_for(lambda: running.has_ended, 10)
    running.end()
    assert not running.nothing_left


@linux
def test_an_ended_child_leaves_no_descriptor_and_no_thread(child: Child) -> None:
    child("pass")
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(3):
        child("pass")
    with pytest.raises(MachineryError):
        process.run(["/nowhere"], env={}, cwd=child.folder, log=child.log)
    assert wait_for(lambda: (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before, 10)


def test_stop_ends_the_child_and_raises(child: Child, pid_file: Path) -> None:
    stop = threading.Event()
    threading.Thread(target=lambda: [wait_for(pid_file.exists, 10), stop.set()], daemon=True).start()
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
    seen = dict(line.split("=", 1) for line in child.printed.splitlines())
    assert "hush" not in child.printed
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
    environment = tool_environment(("UV_INDEX",), EXTRA="1")
    assert environment["UV_INDEX_OWN_PASSWORD"] == "wanted"
    assert environment["EXTRA"] == "1"
    assert not set(environment) & (set(SECRETS) - {"https_proxy"})
    assert "UV_EXCLUDE_NEWER" not in environment


# --------------------------------------------------------------------------------------------------------- a full disk


def test_an_unwritable_log_is_a_fault_of_the_machine(child: Child, tmp_path: Path) -> None:
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
