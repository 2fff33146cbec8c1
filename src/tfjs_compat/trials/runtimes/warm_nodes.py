"""Node with TensorFlow.js loaded, before it is needed: a check then takes what its model takes.

A case announces while it is converted that it will need one, acquires it for its check, or releases it to the next
case. Each serves one check and is a process of its own; limits count from the check on.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.node import Node

PROGRAM = Path(__file__).parents[2] / "inside" / "tfjs" / "run_in_node.mjs"
"""Loads and runs the model of a job, which it is given at its start or waits for."""


def is_possible() -> bool:
    """Whether a child can be given a pipe here."""
    return os.name == "posix"


class WarmNode:
    """A Node that has loaded a bundle, or is about to, and waits for a job. Whoever acquired it ends it."""

    def __init__(self, bundle: Bundle, node: Node, parent: Path) -> None:
        """Start it, with a folder of its own in ``parent``. Raises MachineryError."""
        self.bundle = bundle
        with disk_errors(parent), contextlib.ExitStack() as undo:
            scratch = undo.enter_context(temporary_folder("node-", parent))
            theirs, ours = os.pipe()
            self._job = undo.enter_context(os.fdopen(ours, "wb", buffering=0))
            try:
                self._child = process.Child(
                    [str(node.path), str(PROGRAM), "--wait", str(theirs), str(bundle.path)],
                    env=clean_environment(scratch / "home"),
                    cwd=scratch,
                    log=scratch / "log.txt",
                    pass_fds=(theirs,),
                )
            finally:
                os.close(theirs)
            undo.callback(self._child.end)
            self._undo = undo.pop_all()

    def is_for(self, bundle: Bundle) -> bool:
        """Whether it is alive and has loaded this very bundle."""
        return self.bundle == bundle and not self._child.has_ended

    def run(self, job: Path, log: Path, limits: process.Limits, stop: threading.Event | None) -> process.ExitStatus:
        """Run the job of a file, its output in ``log``. Gives and raises what process.run does."""
        self._child.log_to(log)
        # One that has just died is seen by how it ended.
        with contextlib.suppress(OSError):
            self._job.write(f"{job}\n".encode())
        return self._child.finish(limits, stop)

    def end(self) -> None:
        """End it, whatever it does; nothing of it is left."""
        self._undo.close()


@dataclass(frozen=True, eq=False)
class _Pending:
    """A warm Node of a release, there already or being started."""

    version: str
    future: Future[WarmNode | None]

    def end(self) -> None:
        if not self.future.cancel() and (warm_node := self.future.result()) is not None:
            warm_node.end()


def _start(start: Callable[[], WarmNode | None]) -> WarmNode | None:
    # A fault shows again, with its reason, where the check then starts a Node for itself.
    with contextlib.suppress(Exception):
        return start()
    return None


class WarmNodePool:
    """The warm Nodes of a run, never more than cases are in flight. It can be used again after ``end``."""

    def __init__(self) -> None:
        self._starter: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._promised: dict[Path, _Pending] = {}
        self._idle: list[_Pending] = []

    def prepare(self, case: Path, version: str, start: Callable[[], WarmNode | None], stop: threading.Event) -> None:
        """Have a Node with this release for the check of the case in this folder. Waits for nothing, raises nothing.

        ``stop``, once set before ``end`` is called, keeps cases that go on until they see it from starting more.
        """
        with self._lock:
            if stop.is_set() or case in self._promised:
                return
            if self._starter is None:
                self._starter = ThreadPoolExecutor(1, thread_name_prefix="tfjs-compat-warm-nodes")
            fitting = next((pending for pending in self._idle if pending.version == version), None)
            if (replaced := fitting or next(iter(self._idle), None)) is not None:
                self._idle.remove(replaced)
            self._promised[case] = fitting or _Pending(version, self._starter.submit(_start, start))
            if fitting is None and replaced is not None:
                self._starter.submit(replaced.end)

    def acquire(self, case: Path, bundle: Bundle) -> WarmNode | None:
        """The Node that was prepared for a case, or None where there is none that can be used."""
        with self._lock:
            promise = self._promised.pop(case, None)
        # What has not begun to start is not worth waiting for.
        if promise is None or promise.future.cancel():
            return None
        warm_node = promise.future.result()
        if warm_node is None or warm_node.is_for(bundle):
            return warm_node
        warm_node.end()
        return None

    def release(self, case: Path) -> None:
        """Leave to the next case what was prepared for this one and not acquired."""
        with self._lock:
            if (unused := self._promised.pop(case, None)) is not None:
                self._idle.append(unused)

    def end(self) -> None:
        """End all Nodes that nobody has acquired, and the thread that starts them."""
        with self._lock:
            left = [*self._promised.values(), *self._idle]
            self._promised.clear()
            self._idle.clear()
            starter, self._starter = self._starter, None
        # All of them, before one that is about to start is waited for.
        for pending in [pending for pending in left if not pending.future.cancel()]:
            pending.end()
        if starter is not None:
            starter.shutdown()
