"""Files with holes: their data is where the system says, the rest takes nothing of the disk and is not read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

_BLOCK = 1 << 20


def size_on_disk(status: os.stat_result) -> int:
    """Bytes that a file takes: what it holds without its holes, where the system says so."""
    return min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)


def copy_with_holes(file: BinaryIO, copy: BinaryIO, copied: Callable[[int], object] = lambda _: None) -> None:
    """Copy a file into an empty one; holes stay holes. ``copied`` is told how far it is. Raises OSError."""
    status = os.fstat(file.fileno())
    if size_on_disk(status) >= status.st_size or not hasattr(os, "SEEK_DATA"):
        pieces: Iterator[tuple[int, int]] = iter([(0, status.st_size)])
    else:
        pieces = _pieces(file.fileno(), status.st_size)
    for start, end in pieces:
        file.seek(start)
        copy.seek(start)
        at = start
        while at < end and (block := file.read(min(_BLOCK, end - at))):
            copy.write(block)
            at += len(block)
            copied(at)
    copy.truncate(status.st_size)


def _pieces(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file with holes holds data: pairs of start and end."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            # ENXIO: nothing but a hole is left.
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
