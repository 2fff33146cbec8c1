"""The weight files of a model's folder: which names may be opened, and their bytes. Nothing outside is ever read."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

LENGTH_BYTES = 4
"""Before each value of a string weight."""

MAX_SPAN = 1 << 30
"""Bytes that are read at once: more than any weight that a browser holds."""

MAX_BYTES = 4 << 30
"""Of all weight files: more than a page has memory for. A file of holes has any length for nothing, and a file may be
named thousands of times."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Shard(msgspec.Struct, frozen=True):
    """One weight file: its name in the manifest, its length on disk, and where it starts in the group's files."""

    name: str
    bytes: int
    start: int = 0

    @property
    def end(self) -> int:
        """Where it ends in the group's joined files."""
        return self.start + self.bytes


def joined_bytes(shards: Sequence[Shard]) -> int:
    """The length of a group's joined files."""
    return shards[-1].end if shards else 0


def why_refused(name: str) -> str | None:
    """Why a path of the manifest is refused before anything is looked up, or None.

    A browser resolves it as part of a URL, so that percent-encoded dots and separators count too.
    """
    if not name or name != name.strip() or any(ord(char) < 32 for char in name):
        return "is empty, or has spaces at its ends or control characters"
    if any(0xD800 <= ord(char) < 0xE000 for char in name):
        return "holds half of a surrogate pair"
    if "\\" in name:
        return "has a backslash"
    if name.startswith("/"):
        return "is absolute"
    if _SCHEME.match(name):
        return "has a URL scheme or a drive letter"
    plain = re.sub(r"%2e", ".", name, flags=re.IGNORECASE)
    if re.search(r"%(2f|5c)", plain, flags=re.IGNORECASE):
        return "has an encoded separator"
    if ".." in PurePosixPath(plain).parts:
        return "climbs out with .."
    return None


def resolve_inside(folder: Path, name: str) -> Path | None:
    """The real path of an existing ``folder/name``, or None if it does not exist or is not inside the folder."""
    try:
        root = folder.resolve(strict=True)
        target = (folder / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return target if target.is_relative_to(root) and target != root else None


def regular_size(root: str, name: str) -> int | None:
    """The length of a regular file that lies in a folder by its own name: no link, nothing in a folder below it.

    None for whatever else; ``resolve_inside`` says where that leads. ``root`` is a real path.
    """
    if "/" in name or name in ("", ".", ".."):
        return None
    try:
        status = os.lstat(f"{root}/{name}")
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def open_regular(path: Path) -> int | None:
    """A descriptor of a regular file, never of a pipe that would block or a device; None if there is none."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor


def open_inside(folder: Path, name: str) -> int | None:
    """A descriptor of the regular file ``folder/name``, which lies inside the folder, also through links; else None."""
    opened = open_regular(folder / name) if name != ".." and "/" not in name else None
    if opened is not None:  # it is no link, so it is where it says
        return opened
    target = resolve_inside(folder, name)
    return open_regular(target) if target is not None else None


def read_span(folder: Path, shards: Sequence[Shard], offset: int, length: int) -> bytes | None:
    """``length`` bytes from ``offset`` of the joined shards.

    None if they do not hold so many, or if that are more than MAX_SPAN: a file of holes has any length for nothing.
    """
    parts: list[bytes] = []
    if length > MAX_SPAN or offset + length > joined_bytes(shards):
        return None
    at = bisect_right(shards, offset, key=lambda shard: shard.start) - 1
    while length > 0:
        shard = shards[at]
        at += 1
        if shard.end <= offset:
            continue
        wanted = min(length, shard.end - offset)
        opened = open_inside(folder, shard.name)
        if opened is None:
            return None
        with os.fdopen(opened, "rb") as file:
            try:
                file.seek(offset - shard.start)
                part = file.read(wanted)
            except OSError:
                return None
        if len(part) != wanted:
            return None
        parts.append(part)
        length -= wanted
        offset += wanted
    return b"".join(parts)
