"""What stands for the content of files: a digest, made a block at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from tfjs_compat.system.files import open_regular
from tfjs_compat.system.holes import hole_bytes, pieces

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
            hollow = hole_bytes(file) > _HOLES
            for block in _without_holes(file) if hollow else iter(lambda: file.read(_BLOCK), b""):
                content.update(block)
                go_on()
        # A name that is no UTF-8 has half surrogates in the place of its bytes.
        whole.update(f"{name}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _without_holes(file: BinaryIO) -> Iterator[bytes]:
    """What is written in a file, with a mark in the place of each hole."""
    at = 0
    for start, end in pieces(file):
        yield f"\0hole {at} {start}\0".encode()
        file.seek(start)
        while start < end and (block := file.read(min(_BLOCK, end - start))):
            yield block
            start += len(block)
        at = end
    yield f"\0hole {at} {os.fstat(file.fileno()).st_size}\0".encode()
