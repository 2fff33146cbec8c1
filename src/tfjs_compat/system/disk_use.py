"""What a child has written: how much of a disk its folder takes, measured while it writes."""

from __future__ import annotations

import errno
import math
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

_ENTRY = 4096
"""Bytes that an entry counts at least: an empty file has a name and an inode all the same."""

_LOOK_AGAIN = 1.0
_SHARE = 20
"""A measurement takes at most the twentieth part of the time."""

_PROC = Path("/proc")


_LEAST_FREE = 1 << 30
_LEAST_FREE_SHARE = 0.05


class DiskUse(NamedTuple):
    """Bytes on the disk that a folder takes, and of the file system that it is on: what is free, and all of it."""

    taken: float
    free: int
    total: int

    @property
    def is_short(self) -> bool:
        """Whether the file system is nearly full: less than 1 GiB is free, of a small one less than 5 %."""
        return self.free < min(_LEAST_FREE, self.total * _LEAST_FREE_SHARE)

    def crowds(self) -> str | None:
        """The clause for a folder to which others lose the rest of the disk; None: there is room, or others took it.

        That says nothing about the child: with more room it might have come to its end.

        >>> DiskUse(taken=5 << 30, free=100 << 20, total=100 << 30).crowds()
        'there was no space left on the device for others (its files took 5 GiB, 0.0977 GiB were free)'
        >>> DiskUse(taken=5 << 20, free=100 << 20, total=100 << 30).crowds()
        """
        if not self.is_short or self.taken < self.free:
            return None
        taken, free = (f"{size / 2**30:.3g} GiB" for size in (self.taken, self.free))
        return f"there was no space left on the device for others (its files took {taken}, {free} were free)"


def nearly_full(folder: Path) -> bool:
    """Whether the file system of a folder is nearly full (``DiskUse.is_short``). Raises OSError."""
    disk = shutil.disk_usage(folder)
    return DiskUse(0, disk.free, disk.total).is_short


class DiskMeter:
    """Measures what a folder takes of its disk, with files that are deleted and still open in a tree of processes.

    Holes of files take nothing, links are not followed, a file with several names counts once.
    """

    def __init__(self, folder: Path, members: Callable[[], Iterable[int]], proc: Path = _PROC) -> None:
        """``members`` gives the ids of the tree's processes."""
        self._folder, self._members, self._proc = folder, members, proc
        self._taken: float = 0
        self._next = time.monotonic() + _LOOK_AGAIN

    def read(self) -> DiskUse:
        """What it takes, as it was measured last: once a second, less often where measuring takes long, and at once
        where the disk is nearly full. Raises nothing.
        """
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            # Its folder is gone.
            return DiskUse(self._taken, 0, 0)
        use = DiskUse(self._taken, disk.free, disk.total)
        now = time.monotonic()
        if now < self._next and not use.is_short:
            return use
        self._taken = self._measure()
        ended = time.monotonic()
        self._next = ended + max(_LOOK_AGAIN, _SHARE * (ended - now))
        return use._replace(taken=self._taken)

    def _measure(self) -> float:
        seen = set[tuple[int, int]]()
        total: float = 0
        to_see = [str(self._folder)]
        while to_see:
            try:
                with os.scandir(to_see.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            to_see.append(entry.path)
                        total += _size(entry.stat(follow_symlinks=False), seen)
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    # Whatever is below, it is where nobody can look: folders in folders without end.
                    return math.inf
        return total + sum(_size(status, seen) for status in self._deleted())

    def _deleted(self) -> Iterable[os.stat_result]:
        """Files that have no name any more and are open in one of the processes."""
        for pid in self._members():
            folder = self._proc / str(pid) / "fd"
            try:
                names = os.listdir(folder)  # noqa: PTH208 (no Path for each)
            except OSError:
                continue
            for name in names:
                try:
                    status = (folder / name).stat()
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    yield status


def _size(status: os.stat_result, seen: set[tuple[int, int]]) -> int:
    if status.st_nlink != 1 and not stat.S_ISDIR(status.st_mode):
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            return 0
        seen.add(identity)
    return max(_ENTRY, int(getattr(status, "st_blocks", -(-status.st_size // 512))) * 512)
