"""Files with holes: their data is where the system says, the rest takes nothing of the disk and is not read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from tfjs_compat.system.files import open_regular

_BLOCK = 1 << 20


def size_on_disk(status: os.stat_result) -> int:
    """Bytes that a file takes: what it holds without its holes, where the system says so."""
    return min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)


def copy_with_holes(file: BinaryIO, copy: BinaryIO, copied: Callable[[int], object] = lambda _: None) -> None:
    """Copy a file into an empty one; holes stay holes. ``copied`` is told how far it is. Raises OSError."""
    for start, end in pieces(file):
        file.seek(start)
        copy.seek(start)
        at = start
        while at < end and (block := file.read(min(_BLOCK, end - at))):
            copy.write(block)
            at += len(block)
            copied(at)
    copy.truncate(os.fstat(file.fileno()).st_size)


def copy_file(source: str, target: str) -> None:
    """Copy a file and its rights; holes stay holes. For ``shutil.copytree``, which gives texts. Raises OSError."""
    with open_regular(Path(source)) as file, Path(target).open("wb") as copy:
        copy_with_holes(file, copy)
    shutil.copymode(source, target)


def hole_bytes(file: BinaryIO) -> int:
    """How much of a file is holes; 0 where the system does not say where they are."""
    status = os.fstat(file.fileno())
    return max(0, status.st_size - size_on_disk(status)) if hasattr(os, "SEEK_DATA") else 0


def pieces(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Where a file holds data: pairs of start and end. Raises OSError."""
    descriptor, size, end = file.fileno(), os.fstat(file.fileno()).st_size, 0
    if not hole_bytes(file):
        yield 0, size
        return
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            # ENXIO: nothing but a hole is left.
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
