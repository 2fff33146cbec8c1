"""Node with TensorFlow.js loaded, before it is needed: a check then takes what its model takes.

A case announces while it is converted that it will need one, and takes it, or gives it back for the next one. Each
serves one check and is a process of its own; what limits it counts from then on.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.files import disk_errors
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.node import Node

PROGRAM = Path(__file__).parents[2] / "inside" / "tfjs_run.js"
"""Loads a model and runs it; of a job that it is given at once, or that it waits for."""


def is_possible() -> bool:
    """Whether a child can be given a pipe here."""
    return os.name == "posix"


class WarmNode:
    """A Node that has loaded a bundle, or is about to, and waits for a job. Whoever took it ends it."""

    def __init__(self, bundle: Bundle, node: Node, parent: Path) -> None:
        """Start it, with a folder of its own in ``parent``. Raises MachineryError."""
        self.bundle = bundle
        with disk_errors(parent), contextlib.ExitStack() as undo:
            place = tempfile.TemporaryDirectory(dir=parent, prefix="node-", ignore_cleanup_errors=True)
            undo.callback(place.cleanup)
            scratch = Path(place.name)
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
        """Run a job, its output in ``log``; as process.run does, which says what is raised."""
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
    """A spare of a release that is there or is being started."""

    version: str
    future: Future[WarmNode | None]

    def end(self) -> None:
        if not self.future.cancel() and (warm_node := self.future.result()) is not None:
            warm_node.end()


def _started(start: Callable[[], WarmNode | None]) -> WarmNode | None:
    # A fault shows again, with its reason, where the check then starts a Node for itself.
    with contextlib.suppress(Exception):
        return start()
    return None


class WarmNodePool:
    """The spares of a run, never more than cases are in flight."""

    def __init__(self) -> None:
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="tfjs-compat-standby")
        self._lock = threading.Lock()
        self._promised: dict[Path, _Pending] = {}
        self._idle: list[_Pending] = []

    def prepare(self, case: Path, version: str, start: Callable[[], WarmNode | None], stop: threading.Event) -> None:
        """Have a spare of this release for the check of the case in this folder. Waits for nothing, raises nothing.

        ``stop``, once set before ``end`` is called, keeps cases that go on until they see it from starting more.
        """
        with self._lock:
            if stop.is_set():
                return
            fitting = next((one for one in self._idle if one.version == version), None)
            if (reused := fitting or next(iter(self._idle), None)) is not None:
                self._idle.remove(reused)
            self._promised[case] = fitting or _Pending(version, self._starter.submit(_started, start))
        if fitting is None and reused is not None:
            self._starter.submit(reused.end)

    def acquire(self, case: Path, bundle: Bundle) -> WarmNode | None:
        """The spare that was prepared for a case, or None where there is none that can be used."""
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
        """Leave to the next case what was prepared for this one and not taken."""
        with self._lock:
            if (unused := self._promised.pop(case, None)) is not None:
                self._idle.append(unused)

    def end(self) -> None:
        """End all spares that nobody has taken."""
        with self._lock:
            left = [*self._promised.values(), *self._idle]
            self._promised.clear()
            self._idle.clear()
        # All of them, before one that is about to start is waited for.
        for one in [one for one in left if not one.future.cancel()]:
            one.end()
