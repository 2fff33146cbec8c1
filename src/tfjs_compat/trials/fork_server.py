"""A running environment: one Python that has imported TensorFlow, and a fork of it for each case.

What importing costs is paid once for an environment and its process variables; each case still has its own process,
session, output and limits, and a whole-tree kill.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.errors import Interrupted
from tfjs_compat.system import process
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.output import Output
from tfjs_compat.system.process import ExitStatus, Limits

_WORKER = Path(__file__).parents[1] / "inside" / "worker.py"


class ServerDiedError(Exception):
    """The server ended before the case it was given did."""


def can_fork() -> bool:
    """Whether forking a Python that has imported TensorFlow is known to be sound here: on Linux it was measured."""
    return sys.platform == "linux" and hasattr(socket, "SCM_RIGHTS")


class Server:
    """A Python with its imports done. ``record`` and ``log`` tell of the import."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], scratch: Path, limits: Limits, stop: threading.Event
    ) -> None:
        """Start importing. ``argv`` is the environment's Python; the server dies with this process.

        Its time and output have no limit: it idles between cases, and each case has limits of its own. Raises
        MachineryError where it cannot be started.
        """
        self.record, self.log = scratch / "record.jsonl", scratch / "log.txt"
        self._stop, self._limits = stop, limits
        self._buffer = b""
        self._ready = False
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

    def wait_ready(self) -> bool:
        """Wait for the imports; False where they failed or took too long: the record and ``ended`` say how.

        Raises Interrupted.
        """
        if self._ready or self.ended is not None:
            return self._ready
        try:
            self._ready = "ready" in self._next(time.monotonic() + self._limits.seconds)
        except TimeoutError:
            self._child.end()
            self.ended = ExitStatus(-9, f"over its time limit of {self._limits.seconds:g} s", self._limits.seconds, 0)
        except ServerDiedError:
            self.ended = self._child.finish(stop=self._stop)
        return self._ready

    def run(self, job: Path, env: Mapping[str, str], log: Path, limits: Limits) -> ExitStatus:
        """Run one job in a fork, its output in ``log``; as process.run does, but without an import.

        Raises ServerDiedError, Interrupted.
        """
        self.cases += 1
        token = process.new_token()
        with disk_errors(log):
            sink = log.open("wb")
        reading, writing = os.pipe()
        started = time.monotonic()
        output = Output(os.fdopen(reading, "rb"), sink, None)
        pid: int | None = None
        try:
            try:
                self._ask({"job": str(job), "env": {**env, process.MARK: token}}, writing)
            finally:
                os.close(writing)
            pid = int(self._next(started + 60.0)["pid"])
            answer: dict[str, Any] = {}

            def has_ended(seconds: float) -> bool:
                with contextlib.suppress(TimeoutError):
                    answer.update(self._next(time.monotonic() + seconds))
                return "exit_code" in answer

            limit_exceeded, peak = process.watch(has_ended, pid, output, limits, self._stop)
            if limit_exceeded is not None:
                process.kill_tree(pid, token)
                answer = self._next(time.monotonic() + 60.0)
            return ExitStatus(int(answer["exit_code"]), limit_exceeded, time.monotonic() - started, peak)
        except TimeoutError as error:
            raise ServerDiedError("the server does not answer") from error
        finally:
            process.kill_session(pid, token)
            output.close()

    def close(self) -> None:
        """End the server and whatever its cases left."""
        self._connection.close()
        self._child.end()

    def _ask(self, message: object, descriptor: int) -> None:
        data = msgspec.json.encode(message) + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        try:
            sent = self._connection.sendmsg([data], rights)
            self._connection.sendall(data[sent:])
        except OSError as error:
            raise ServerDiedError("the server is gone") from error

    def _next(self, until: float) -> dict[str, Any]:
        """The next message. Raises TimeoutError at ``until``, ServerDiedError at the end of the stream, Interrupted."""
        while b"\n" not in self._buffer:
            if self._stop.is_set():
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
        decoded: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        return decoded
