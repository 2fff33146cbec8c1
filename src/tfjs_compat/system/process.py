"""Child processes: a scrubbed environment, limits on time, silence, memory and output, and a whole-tree kill.

Everything the tool runs (uv, environments' Pythons, Node, npm, a browser) is started here and nowhere else. A child
leads its own session under ``inside/guard.py``, so that it dies with this process; what it leaves behind is found by
a marker in its environment, so that a grandchild which left the session dies too.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.output import Output

_GUARD = Path(__file__).parents[1] / "inside" / "guard.py"
MARK = "TFJS_COMPAT_CHILD"
_POLL = 0.2
_GUARD_SECONDS = 6.0


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds in all, seconds without output, bytes of memory (whole tree), bytes of output."""

    seconds: float = 600.0
    silence: float | None = None
    memory: int | None = None
    output: int = 1 << 30


@dataclass(frozen=True)
class ExitStatus:
    """How a child ended: its exit code (negative: the signal that ended it), or the limit that did."""

    exit_code: int
    limit_exceeded: str | None
    seconds: float
    peak_memory: int

    @property
    def ok(self) -> bool:
        """True where the child ended by itself with exit code 0."""
        return self.exit_code == 0 and self.limit_exceeded is None

    def describe(self) -> str:
        """A clause that says how the child ended, for messages."""
        if self.limit_exceeded is not None:
            return f"was stopped: {self.limit_exceeded}"
        if self.exit_code < 0:
            return f"was ended by signal {_signal_name(-self.exit_code)}"
        return f"ended with exit code {self.exit_code}"


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    limits: Limits = Limits(),
    stop: threading.Event | None = None,
    on_line: Callable[[str], None] | None = None,
    pass_fds: tuple[int, ...] = (),
) -> ExitStatus:
    """Run a command to its end, its output (both streams, in order) in the file ``log``.

    Of an output above 5 MiB the first 4 and the last 1 are kept. When a limit is passed, the whole tree is killed and
    ``ExitStatus.limit_exceeded`` says which. ``on_line`` is called with each line as it comes, from another thread; ``pass_fds``
    are left open in the child.

    Raises Interrupted when ``stop`` is set (the tree is killed first), MachineryError when nothing can be started.
    """
    return Child(argv, env=env, cwd=cwd, log=log, on_line=on_line, pass_fds=pass_fds).finish(limits, stop)


class Child:
    """A command that runs, until ``finish`` or ``end``."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        on_line: Callable[[str], None] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        """Start it; the arguments and what is raised are those of ``run``."""
        if shutil.which(argv[0], path=env.get("PATH")) is None:
            raise MachineryError(f"cannot start {argv[0]}: there is no such program")
        with disk_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            sink = log.open("wb")
        self._token = new_token()
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**env, MARK: self._token},
                cwd=cwd,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            sink.close()
            raise MachineryError(f"cannot start {Path(argv[0]).name}: {error}") from error
        assert self._popen.stdout is not None
        self._output = Output(self._popen.stdout, sink, on_line)
        self._over = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        # Not wait(seconds), which looks for the end twenty times a second: some checks take less than that.
        if hasattr(os, "waitid"):
            # Not reaped before ``end``, which may come much later: until then nobody else gets this number.
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._popen.wait()
        self._over.set()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._over.is_set()

    def log_to(self, log: Path) -> None:
        """Keep its output in another file from now on, with what there was of it. Raises MachineryError."""
        with disk_errors(log):
            self._output.move_to(log)

    def finish(
        self, limits: Limits = Limits(), stop: threading.Event | None = None, until: threading.Event | None = None
    ) -> ExitStatus:
        """Wait for its end; the limits count from now. Raises as ``run`` does.

        ``until``: when this is set its work is done, and it is ended; the exit status then says how it was ended.
        """
        started = time.monotonic()

        def has_ended(seconds: float) -> bool:
            return self._over.wait(seconds) if until is None else until.wait(seconds) or self._over.is_set()

        try:
            limit_exceeded, peak = watch(has_ended, self._popen.pid, self._output, limits, stop)
        finally:
            self.end()
        return ExitStatus(self._popen.returncode, limit_exceeded, time.monotonic() - started, peak)

    def end(self) -> None:
        """End it and its tree: the guard does it when its pipe closes; what it cannot see is found here."""
        child = self._popen
        assert child.stdin is not None
        if child.stdin.closed:
            return
        left = [] if self.has_ended else _tree(child.pid)
        child.stdin.close()
        self._over.wait(_GUARD_SECONDS)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        kill_session(child.pid, self._token)
        child.wait()
        self._output.close()


def watch(
    has_ended: Callable[[float], bool], pid: int, output: Output, limits: Limits, stop: threading.Event | None
) -> tuple[str | None, int]:
    """Watch a process and its tree until it ends or passes a limit: the limit passed, and the most memory seen.

    ``has_ended(seconds)`` waits up to that long and says whether it has. Kills nothing. Raises Interrupted, and
    MachineryError where the log cannot be written.
    """
    started, peak = time.monotonic(), 0
    while not has_ended(_POLL):
        if stop is not None and stop.is_set():
            raise Interrupted
        output.check()
        memory = sum(_memory(process) for process in _tree(pid))
        peak = max(peak, memory)
        limit_exceeded = _passed(limits, time.monotonic() - started, output, memory)
        if limit_exceeded is not None:
            return limit_exceeded, peak
    output.check()
    return None, peak


def new_token() -> str:
    """A value for the marker that a child and all it leaves behind carry in their environment."""
    return secrets.token_hex(8)


def _passed(limits: Limits, seconds: float, output: Output, memory: int) -> str | None:
    if seconds > limits.seconds:
        return f"over its time limit of {limits.seconds:g} s"
    if limits.silence is not None and output.silent_for() > limits.silence:
        return f"no output for {limits.silence:g} s"
    if limits.memory is not None and memory > limits.memory:
        return f"over its memory limit of {limits.memory / 2**30:.3g} GiB"
    if output.total > limits.output:
        return f"over its output limit of {limits.output / 2**20:.0f} MiB"
    return None


def _tree(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def kill_tree(pid: int | None, token: str) -> None:
    """Kill a process, its descendants, and every process that carries the marker. ``pid`` None: it has ended."""
    found = [*(_tree(pid) if pid is not None else []), *_marked(token)]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=_GUARD_SECONDS)


def kill_session(pid: int | None, token: str) -> None:
    """Kill what is left of a session whose leader was ``pid``, and every process that carries the marker."""
    if pid is not None:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    kill_tree(None, token)


def _marked(token: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == token:
                yield process


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
