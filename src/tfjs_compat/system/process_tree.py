"""The processes below one: which they are, what they use, and an end to those that carry a marker.

On Linux /proc is read, a few files for each process of the tree; elsewhere psutil walks all processes of the machine.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from tfjs_compat.system.limits import Shares

MARK = "TFJS_COMPAT_CHILD"
"""The environment variable whose value a child has in common with all that it starts."""

_PROC = Path("/proc")
_NANOSECONDS = 1e9
_BUSY = 0.95
_KILL_SECONDS = 6.0


def tree(pid: int, proc: Path = _PROC) -> list[int]:
    """The ids of a process and of all its descendants, itself first; those that end meanwhile may be among them."""
    children = _children_of(proc)
    found, level = list[int](), [pid]
    while level:
        found += level
        level = [child for parent in level for child in children(parent)]
    return found


def _children_of(proc: Path) -> Callable[[int], Iterable[int]]:
    if not (proc / "self" / "stat").exists():
        return _children_by_psutil
    if (proc / "thread-self" / "children").exists():
        return lambda pid: _listed_children(pid, proc)
    # A kernel without CONFIG_PROC_CHILDREN.
    children = defaultdict[int, list[int]](list)
    for name in filter(str.isdigit, _names(proc)):
        if len(fields := _stat(proc / name)) > 1:
            children[int(fields[1])].append(int(name))
    return lambda pid: children.get(pid, ())


def _children_by_psutil(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def _listed_children(pid: int, proc: Path) -> list[int]:
    found = list[int]()
    tasks = proc / str(pid) / "task"
    for thread in _names(tasks):
        found += map(int, _read(tasks / thread / "children").split())
    return found


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (no Path for each process)
    except OSError:
        return []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _stat(process: Path) -> list[bytes]:
    """The fields of /proc/PID/stat from the third on (state, parent, …); the name before them may hold anything."""
    return _read(process / "stat").rpartition(b")")[2].split()


def memory(pids: Sequence[int], limit: int | None = None, proc: Path = _PROC) -> int:
    """Bytes of memory that processes hold together.

    Resident, what they share counted for each. Where that is more than ``limit`` it is worked out again with what they
    share counted once (the proportional set size, see proc_pid_smaps(5)), which takes some milliseconds a process.
    """
    resident = _resident(pids, proc)
    if limit is None or resident <= limit:
        return resident
    return sum(_proportional(pid, proc) for pid in pids)


def _proportional(pid: int, proc: Path) -> int:
    for line in _read(proc / str(pid) / "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) << 10
    # An older kernel, another system, or a process that is not ours to look into.
    return _resident([pid], proc)


def _resident(pids: Iterable[int], proc: Path) -> int:
    if not (proc / "self" / "stat").exists():
        return sum(_memory_by_psutil(pid) for pid in pids)
    pages = (_read(proc / str(pid) / "statm").split() for pid in pids)
    return sum(int(fields[1]) for fields in pages if len(fields) > 1) * os.sysconf("SC_PAGE_SIZE")


def _memory_by_psutil(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def machine_times() -> tuple[float, float]:
    """Seconds that the machine's processors were idle since it started, and the seconds that there were."""
    times = psutil.cpu_times()
    return times.idle, sum(times)


class Meter:
    """Measures what the processes of a tree have of the machine's processors, from when it is made."""

    def __init__(
        self,
        members: Callable[[], Iterable[int]],
        proc: Path = _PROC,
        machine: Callable[[], tuple[float, float]] = machine_times,
    ) -> None:
        """``members`` gives the ids of the tree's processes, ``machine`` the figures of ``machine_times``."""
        self._members, self._proc, self._machine = members, proc, machine
        self._started = time.monotonic()
        self._first = self._total()
        self._machine_first = machine()

    def read(self) -> Shares:
        """What they had until now.

        Where the system does not say how long a thread waited (other than Linux), all the time in which the tree did
        not run counts as waited if the machine's processors were busy for 0.95 of it, else none.
        """
        used, waited = self._total()
        used = max(0.0, used - self._first[0])
        if waited is not None and self._first[1] is not None:
            return Shares(used, max(0.0, waited - self._first[1]))
        seconds = time.monotonic() - self._started
        return Shares(used, max(0.0, seconds - used) if self._machine_was_busy() else 0.0)

    def _total(self) -> tuple[float, float | None]:
        pids = list(self._members())
        if not (self._proc / "self" / "schedstat").exists():
            return sum(map(_used_by_psutil, pids)), None
        return sum(self._used(pid) for pid in pids), max(map(self._waited, pids), default=0.0)

    def _used(self, pid: int) -> float:
        # utime, stime, and both of the children that it has waited for.
        ticks = sum(map(int, _stat(self._proc / str(pid))[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def _waited(self, pid: int) -> float:
        tasks = self._proc / str(pid) / "task"
        figures = (_read(tasks / thread / "schedstat").split() for thread in _names(tasks))
        return max((int(fields[1]) / _NANOSECONDS for fields in figures if len(fields) > 1), default=0.0)

    def _machine_was_busy(self) -> bool:
        idle, whole = (now - first for now, first in zip(self._machine(), self._machine_first, strict=True))
        return whole > 0 and 1 - idle / whole > _BUSY


def _used_by_psutil(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def processes(pids: Iterable[int]) -> Iterator[psutil.Process]:
    """Processes by their ids, so that a later signal cannot reach another process that was given the same number."""
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            yield psutil.Process(pid)


def kill(found: Iterable[psutil.Process]) -> None:
    """Kill processes and wait until they are gone, 6 s at most."""
    killed = list(found)
    for process in killed:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(killed, timeout=_KILL_SECONDS)


def marked(token: str) -> Iterator[psutil.Process]:
    """All processes of the machine that carry this value of ``MARK``, as far as their environment can be read."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == token:
                yield process
