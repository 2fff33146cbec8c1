"""What stands for the content of files: a digest, made a block at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from tfjs_compat.system.files import open_regular

_BLOCK = 1 << 20
_HOLES = 1 << 30
"""Bytes of holes from which on they are left out: the zeros of a terabyte take an hour to be read."""


def digest_files(files: Iterable[tuple[str, Path]], go_on: Callable[[], None] = lambda: None) -> str:
    """A SHA-256 over names and contents of regular files, in the order given.

    Holes count as the zeros that they are read as; more than 1 GiB of them in one file count by their places.
    ``go_on`` is called after each MiB, and may raise to end it. Raises OSError.
    """
    whole = hashlib.sha256()
    for name, path in files:
        content = hashlib.sha256()
        with open_regular(path) as file:
            for block in _without_holes(file) if _is_hollow(file) else iter(lambda: file.read(_BLOCK), b""):
                content.update(block)
                go_on()
        # A name that is no UTF-8 has half surrogates in the place of its bytes.
        whole.update(f"{name}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _is_hollow(file: BinaryIO) -> bool:
    found = os.fstat(file.fileno())
    # Windows says nothing of blocks, and a file system that compresses has fewer of them for data, too.
    return hasattr(os, "SEEK_DATA") and found.st_size - 512 * found.st_blocks > _HOLES


def _without_holes(file: BinaryIO) -> Iterator[bytes]:
    """What is written in a file, with a mark in the place of each hole."""
    size, at = os.fstat(file.fileno()).st_size, 0
    while at < size:
        try:
            start = file.seek(at, os.SEEK_DATA)
        except OSError:  # nothing but a hole from there on
            start = size
        if start > at:
            yield f"\0hole {at} {start}\0".encode()
        end = file.seek(start, os.SEEK_HOLE) if start < size else size
        file.seek(start)
        while start < end and (block := file.read(min(_BLOCK, end - start))):
            yield block
            start += len(block)
        at = end
