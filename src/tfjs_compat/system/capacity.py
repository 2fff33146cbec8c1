"""What this machine can do at once: its cores, the memory that is free, and room for one more case."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tfjs_compat.errors import Interrupted

CASE_MEMORY = 3 << 30
"""Bytes to keep for one case with TensorFlow: what conversions of larger models take; small ones take a third."""

_CGROUPS = Path("/sys/fs/cgroup")
_LOOK_AGAIN = 0.5


def cores() -> int:
    """The processors that this process may use."""
    affine = getattr(os, "sched_getaffinity", None)
    return len(affine(0)) if affine is not None else os.cpu_count() or 1


def free_memory(cgroups: Path = _CGROUPS) -> int:
    """Bytes that can be had without swapping: of the machine, or of the container where that has less."""
    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):
        limit = (cgroups / "memory.max").read_text("ascii").strip()
        used = int((cgroups / "memory.current").read_text("ascii"))
        cached = dict(line.split() for line in (cgroups / "memory.stat").read_text("ascii").splitlines())
        # Cached files count as used, and go when the memory is wanted.
        if limit != "max":
            free = min(free, int(limit) - used + int(cached.get("inactive_file", 0)))
    return free


def default_jobs() -> int:
    """How many cases at once: one per core, as far as the memory goes that is free now."""
    return max(1, min(cores(), free_memory() // CASE_MEMORY))


class MemoryGate:
    """Lets cases begin as memory allows: while less is free than one takes, none begins beside those that run."""

    def __init__(self, stop: threading.Event, free: Callable[[], int] = free_memory, needed: int = CASE_MEMORY) -> None:
        """``needed``: bytes that must be free for a case to begin. One may always run."""
        self._stop, self._free, self._needed = stop, free, needed
        self._running = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def admit(self, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Wait until there is room, then be one of those that run. ``waiting`` is called once if it has to wait.

        Raises Interrupted.
        """
        with self._changed:
            told = False
            while self._running and self._free() < self._needed:
                if not told:
                    waiting()
                    told = True
                # Not only our own cases give memory back, so look again now and then.
                self._changed.wait(_LOOK_AGAIN)
                if self._stop.is_set():
                    raise Interrupted
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()
