"""A running environment: one Python that has imported TensorFlow, and a fork of it for each case.

What importing costs is paid once for an environment and its process variables; each case still has its own process,
session, output and limits, and a whole-tree kill.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.errors import Interrupted
from tfjs_compat.system import process, process_tree
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.output import Output
from tfjs_compat.system.process import ExitStatus, Limits

_WORKER = Path(__file__).parents[1] / "inside" / "worker.py"
_ANSWER_SECONDS = 60.0
_STOPPED_SECONDS = 2.0
"""In which a server that runs a case answers when it is stopped; one that does not is ended."""


class ServerDiedError(Exception):
    """The server ended, or does not answer, before the case it was given had ended. Says nothing about the case."""


def can_fork() -> bool:
    """Whether forking a Python that has imported TensorFlow is known to be sound here: on Linux it was measured."""
    return sys.platform == "linux" and hasattr(socket, "SCM_RIGHTS")


class Server:
    """A Python with its imports done, for one case at a time.

    ``record`` and ``log`` are the files of the import, ``ended`` is how it ended where it did not come to its end, and
    ``cases`` counts the cases that were run.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], scratch: Path) -> None:
        """Start importing. ``argv`` is the environment's Python.

        The server dies with this process. Raises MachineryError where it cannot be started.
        """
        self.record, self.log = scratch / "record.jsonl", scratch / "log.txt"
        self._buffer = b""
        self._pid = 0
        self._closed = False
        self.cases = 0
        self.ended: ExitStatus | None = None
        self._connection, theirs = socket.socketpair()
        command = [*argv, str(_WORKER), "--serve", str(theirs.fileno()), str(self.record)]
        try:
            self._child = process.Child(command, env=env, cwd=scratch, log=self.log, pass_fds=(theirs.fileno(),))
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was ended here and can run nothing."""
        return self._closed

    @property
    def is_usable(self) -> bool:
        """Whether it imports, or waits for a case."""
        return not self._closed and self.ended is None and not self._child.has_ended

    def wait_ready(self, limits: Limits, stop: threading.Event) -> bool:
        """Wait for the imports; False where they failed or passed a limit: the record and ``ended`` say how.

        Where ``stop`` ends the waiting the imports go on. Raises ServerDiedError where it was killed from outside,
        Interrupted, MachineryError.
        """
        if self._pid or self.ended is not None:
            return self.ended is None
        started = time.monotonic()
        answer: dict[str, Any] = {}
        try:
            watched = self._child.watch(self._receiver(answer, "ready", stop), limits, stop)
        except ServerDiedError:
            self.ended = self._child.finish(limits, stop)
        else:
            if watched.limit_exceeded is not None:
                self._child.end()
                seconds = time.monotonic() - started
                self.ended = ExitStatus(
                    -signal.SIGKILL,
                    watched.limit_exceeded,
                    seconds,
                    watched.peak_memory,
                    watched.starved,
                    watched.crowded,
                )
        if self.ended is not None:
            if self.ended.limit_exceeded is None and self.ended.fault is not None:
                raise ServerDiedError(f"the server {self.ended.describe()}")
            return False
        self._pid = int(answer["ready"])
        return True

    def run(self, job: Path, env: Mapping[str, str], log: Path, limits: Limits, stop: threading.Event) -> ExitStatus:
        """Run one job in a fork, its output in ``log``; as process.run does, but without an import.

        The case is ended when this returns or raises, with all that it started. Raises ServerDiedError, Interrupted,
        MachineryError where the log cannot be written; after these ``is_closed`` says whether the server is of use.
        """
        self.cases += 1
        token = process.new_token()
        with disk_errors(log):
            sink = log.open("w+b")
        reading, writing = os.pipe()
        started = time.monotonic()
        output = Output(os.fdopen(reading, "rb"), sink, None)
        nothing_left = False
        try:
            try:
                self._send({"job": str(job), "env": {**env, process.MARK: token}}, writing)
            finally:
                os.close(writing)
            self._await_begin(started + _ANSWER_SECONDS, stop)
            answer: dict[str, Any] = {}
            has_ended = self._receiver(answer, "exit_code", stop)
            try:
                watched = process.watch(has_ended, self._members, output, limits, stop, job.parent)
            except Interrupted:
                nothing_left = bool(self._kill_case(_STOPPED_SECONDS).get("nothing_left"))
                raise
            if watched.limit_exceeded is not None:
                answer = self._kill_case(_ANSWER_SECONDS)
            nothing_left = bool(answer.get("nothing_left"))
            return ExitStatus(
                int(answer["exit_code"]),
                watched.limit_exceeded or limits.by_signal(-int(answer["exit_code"]), process.largest_file()),
                time.monotonic() - started,
                watched.peak_memory,
                watched.starved,
                watched.crowded,
            )
        finally:
            if not nothing_left:
                # The guard of the server ends the case with it; no signal is sent by an id that may be another's now.
                self.close()
                if not self._child.nothing_left:
                    process_tree.kill(process_tree.marked(token))
            output.close()

    def close(self) -> None:
        """End the server and whatever its cases left."""
        self._closed = True
        self._connection.close()
        self._child.end()

    def _members(self) -> list[int]:
        """The processes of the case: all below the server, which adopts those whose parent has ended."""
        return process_tree.tree(self._pid)[1:]

    def _receiver(self, answer: dict[str, Any], key: str, stop: threading.Event) -> Callable[[float], bool]:
        """For ``process.watch``: receives messages into ``answer`` until one has this key."""

        def received(seconds: float) -> bool:
            with contextlib.suppress(TimeoutError):
                answer.update(self._next(time.monotonic() + seconds, stop))
            return key in answer

        return received

    def _await_begin(self, until: float, stop: threading.Event) -> None:
        try:
            try:
                self._next(until, stop)
            except Interrupted:
                # Once it has begun it can be killed without the server.
                self._next(min(until, time.monotonic() + _STOPPED_SECONDS))
        except TimeoutError:
            raise ServerDiedError("the server does not answer") from None

    def _kill_case(self, seconds: float) -> dict[str, Any]:
        """Have the server kill its case: its last message about it, one of our own where it does not answer."""
        try:
            self._send({"kill": True})
            return self._next(time.monotonic() + seconds)
        except (TimeoutError, ServerDiedError):
            return {"exit_code": -signal.SIGKILL}

    def _send(self, message: object, *descriptors: int) -> None:
        data = msgspec.json.encode(message) + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            sent = self._connection.sendmsg([data], rights)
            self._connection.sendall(data[sent:])
        except OSError as error:
            raise ServerDiedError("the server is gone") from error

    def _next(self, until: float, stop: threading.Event | None = None) -> dict[str, Any]:
        """The next message. Raises TimeoutError at ``until``, ServerDiedError at the end of the stream, Interrupted."""
        while b"\n" not in self._buffer:
            if stop is not None and stop.is_set():
                raise Interrupted
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            readable, _, _ = select.select([self._connection], [], [], min(left, 0.2))
            if not readable:
                continue
            try:
                chunk = self._connection.recv(1 << 16)
            except OSError:
                chunk = b""
            if not chunk:
                raise ServerDiedError("the server ended")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        decoded: dict[str, Any] = msgspec.json.decode(line)
        return decoded
