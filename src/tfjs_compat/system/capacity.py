"""What this machine can do at once: its cores, its memory, what of that is free, and when one more case may begin."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from tfjs_compat.errors import Interrupted

CASE_MEMORY = 3 << 30
"""Bytes to keep for one case with TensorFlow: what conversions of larger models take; small ones take a third."""

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_LOOK_AGAIN = 0.5


def cores(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """The processors that this process may use: by its affinity, and by the least quota of a control group."""
    affine = getattr(os, "sched_getaffinity", None)
    count = len(affine(0)) if affine is not None else os.cpu_count() or 1
    return max(1, min([count, *(int(quota) for quota in _processor_quotas(proc, cgroups))]))


def free_memory(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """Bytes that can be had without swapping: of the machine, or of the control group that has the least left."""
    groups = _memory_groups(proc, cgroups)
    return max(0, min([int(psutil.virtual_memory().available), *(group.limit - group.used for group in groups)]))


def total_memory(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """Bytes that this process and its children may hold: the machine's, or the least limit of a control group."""
    groups = _memory_groups(proc, cgroups)
    return min([int(psutil.virtual_memory().total), *(group.limit for group in groups)])


_MEMORY_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By version: the file of the limit, the file of what is used, and what of that are cached files."""


class _MemoryGroup(NamedTuple):
    """A control group with a limit. ``used``: bytes that it holds and would not give back when they are wanted."""

    limit: int
    used: int


def _memory_groups(proc: Path, cgroups: Path) -> Iterator[_MemoryGroup]:
    for version, folder in _groups("memory", proc, cgroups):
        files = _MEMORY_FILES[version]
        if (group := _memory_group(folder, *files)) is not None:
            yield group


def _processor_quotas(proc: Path, cgroups: Path) -> Iterator[float]:
    """How many processors' time the control groups of this process leave it, as far as they limit it."""
    for version, folder in _groups("cpu", proc, cgroups):
        if version == 1:
            figures = [_text(folder / name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
        else:
            figures = _text(folder / "cpu.max").split()
        # "max" where there is none; version 1 says -1.
        with contextlib.suppress(ValueError, ZeroDivisionError):
            quota, period = (int(figure) for figure in figures)
            if quota > 0:
                yield quota / period


def _groups(controller: str, proc: Path, cgroups: Path) -> Iterator[tuple[int, Path]]:
    """The control groups that this process is in, and all above them: the version (1 or 2) and the folder of each.

    See cgroups(7). In a container without a namespace of its own the path that /proc tells is the host's, and the
    folder at the top is the container's group; folders that are not there are given all the same.
    """
    for line in _text(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            version, roots = 2, [cgroups, cgroups / "unified"]
        elif controller in controllers.split(","):
            version, roots = 1, [cgroups / name for name in dict.fromkeys((controllers, controller))]
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for root in roots:
            yield from ((version, root.joinpath(*parts[:depth])) for depth in range(len(parts) + 1))


def _memory_group(folder: Path, limit: str, used: str, cached: str) -> _MemoryGroup | None:
    try:
        # "max" where there is none; version 1 says a number that no machine has.
        most = int(_text(folder / limit))
        held = int(_text(folder / used))
    except ValueError:
        return None
    figures = dict(line.split(maxsplit=1) for line in _text(folder / "memory.stat").splitlines() if " " in line)
    # Cached files count as used, and go when the memory is wanted.
    return _MemoryGroup(most, held - int(figures.get(cached, 0)))


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def default_jobs(cores: Callable[[], int] = cores, free: Callable[[], int] = free_memory) -> int:
    """How many cases at once: one per core, as far as the memory goes that is free now; at least one."""
    return max(1, min(cores(), free() // CASE_MEMORY))


class MemoryGate:
    """Lets cases begin as memory allows: while less is free than one takes, none begins beside those that run."""

    def __init__(self, stop: threading.Event, free: Callable[[], int] = free_memory, needed: int = CASE_MEMORY) -> None:
        """``needed``: bytes that must be free for a case to begin. One may always run."""
        self._stop, self._free, self._needed = stop, free, needed
        self._running = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def admit(self, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Wait for memory, then be one of those that run. ``waiting`` is called once if it has to wait.

        Raises Interrupted.
        """
        with self._changed:
            announced = False
            while self._running and self._free() < self._needed:
                if not announced:
                    waiting()
                    announced = True
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
