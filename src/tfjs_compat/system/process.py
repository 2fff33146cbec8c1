"""Child processes: a scrubbed environment, limits on time, memory and output, and an end to all that they start.

Everything the tool runs (uv, environments' Pythons, Node, npm, a browser) is started here and nowhere else. A child
leads its own session under ``inside/guard.py``, so that it dies with this process and nothing that it starts gets out
of sight. Where the guard cannot say that nothing is left, it is looked for by a marker in its environment.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system import process_tree
from tfjs_compat.system.disk_use import DiskMeter
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.limits import ExitStatus as ExitStatus
from tfjs_compat.system.limits import Limits as Limits
from tfjs_compat.system.limits import starved
from tfjs_compat.system.output import Output
from tfjs_compat.system.process_tree import MARK as MARK

_GUARD = Path(__file__).parents[1] / "inside" / "guard.py"
_POLL = 0.2
_PAUSE = 3.0
"""Seconds beyond which a wait of ``_POLL`` was none, and no time of the tree's."""
_GUARD_SECONDS = 6.0


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
    ``ExitStatus.limit_exceeded`` says which. ``on_line`` is called with each line as it comes, from another thread;
    what it raises is raised here, and the tree killed. ``pass_fds`` are left open in the child.

    Raises Interrupted when ``stop`` is set (the tree is killed first), MachineryError when nothing can be started or
    the log cannot be written.
    """
    return Child(argv, env=env, cwd=cwd, log=log, on_line=on_line, pass_fds=pass_fds).finish(limits, stop)


class Watched(NamedTuple):
    """What was seen of a tree of processes until it ended or passed a limit; the fields are those of ExitStatus."""

    limit_exceeded: str | None
    peak_memory: int
    starved: bool = False
    crowded: bool = False


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
        self._cwd = cwd
        with disk_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            sink = log.open("w+b")
        self._token = new_token()
        # The guard reads the end of this process from it, and writes to it when nothing of the child is left.
        self._control, theirs = socket.socketpair()
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *argv],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**env, MARK: self._token},
                cwd=cwd,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            sink.close()
            self._control.close()
            raise MachineryError(f"cannot start {Path(argv[0]).name}: {error}") from error
        finally:
            theirs.close()
        assert self._popen.stdout is not None
        self._output = Output(self._popen.stdout, sink, on_line)
        self._over = threading.Event()
        self._seen: list[psutil.Process] = []
        self._end_lock = threading.Lock()
        self.nothing_left = False
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

    def watch(
        self, has_ended: Callable[[float], bool], limits: Limits = Limits(), stop: threading.Event | None = None
    ) -> Watched:
        """As the function ``watch``, over this child and its descendants."""
        return watch(has_ended, self._members, self._output, limits, stop, self._cwd)

    def _members(self) -> list[int]:
        found = process_tree.tree(self._popen.pid)
        # The guard is waited for by its own handle.
        known = {self._popen.pid, *(process.pid for process in self._seen)}
        # By their handles, so that a later signal cannot reach another process that was given the same number.
        self._seen += process_tree.processes(pid for pid in found if pid not in known)
        return found

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
            watched = self.watch(has_ended, limits, stop)
        finally:
            self.end()
        return ExitStatus(
            self._popen.returncode,
            watched.limit_exceeded or limits.by_signal(-self._popen.returncode, largest_file()),
            time.monotonic() - started,
            watched.peak_memory,
            watched.starved,
            watched.crowded,
        )

    def end(self) -> None:
        """End it and its tree. ``nothing_left`` is true from then on if the guard has seen the end of all of it."""
        with self._end_lock:
            if self._control.fileno() < 0:
                return
            if not self.has_ended:
                self._members()
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
            self._over.wait(_GUARD_SECONDS)
            self.nothing_left = self._guard_says_so()
            self._control.close()
            if not self.nothing_left:
                self._kill_what_is_left()
            self._popen.wait()
            self._output.close()

    def _guard_says_so(self) -> bool:
        self._control.setblocking(False)
        try:
            return self._control.recv(1) == b"."
        except OSError:
            return False

    def _kill_what_is_left(self) -> None:
        if self._popen.returncode is None:
            # The leader is not reaped, so that the group can be no other.
            with contextlib.suppress(OSError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        # Whoever ended the guard left what it guarded without a parent.
        process_tree.kill(self._seen)
        process_tree.kill(process_tree.marked(self._token))


def watch(
    has_ended: Callable[[float], bool],
    members: Callable[[], Sequence[int]],
    output: Output,
    limits: Limits,
    stop: threading.Event | None,
    folder: Path,
) -> Watched:
    """Watch a tree of processes until it ends or passes a limit.

    ``has_ended(seconds)`` waits up to that long and says whether it has; ``members`` gives the ids of the tree's
    processes; ``folder`` is where they write. Kills nothing. Raises Interrupted, MachineryError where the log cannot be
    written, and what ``on_line`` of the output has raised.
    """
    started, peak, paused = time.monotonic(), 0, 0.0
    meter: process_tree.Meter | None = None
    disk = DiskMeter(folder, members) if limits.disk is not None else None
    while not (ended := _timed(has_ended, _POLL))[0]:
        if ended[1] > _PAUSE:
            # Whoever watches was stopped meanwhile, and most likely the tree with it: a frozen container, a debugger.
            paused += ended[1]
        if stop is not None and stop.is_set():
            raise Interrupted
        output.check()
        # Most children end before their first poll; a limit is longer than that.
        meter = meter or process_tree.Meter(members)
        pids = members()
        memory = process_tree.memory(pids, limits.memory)
        peak = max(peak, memory)
        seconds = time.monotonic() - started - paused
        if (exceeded := limits.exceeded(seconds, memory, output.total, len(pids))) is not None:
            return Watched(exceeded, peak, starved=seconds > limits.seconds and starved(seconds, meter.read()))
        if disk is not None:
            use = disk.read()
            if (exceeded := limits.exceeded_on_disk(use)) is not None:
                return Watched(exceeded, peak)
            if (crowded := use.crowds()) is not None:
                return Watched(crowded, peak, crowded=True)
    output.check()
    return Watched(None, peak)


def _timed(has_ended: Callable[[float], bool], seconds: float) -> tuple[bool, float]:
    """Whether it has, and the seconds that it took to say so."""
    asked = time.monotonic()
    return has_ended(seconds), time.monotonic() - asked


def largest_file() -> float:
    """The bytes that a file of a child may have by the limit that this process was started with."""
    if os.name != "posix":
        return math.inf
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    return math.inf if hard == resource.RLIM_INFINITY else hard


def new_token() -> str:
    """A value for the marker that a child and all it leaves behind carry in their environment."""
    return secrets.token_hex(8)
