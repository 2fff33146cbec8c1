"""The weight files of a model's folder: which names may be opened, and their bytes. Nothing outside is ever read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

LENGTH_BYTES = 4
"""Before each value of a string weight."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Shard(msgspec.Struct, frozen=True):
    """One weight file: its name in the manifest and its length on disk."""

    name: str
    bytes: int


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


def read_span(folder: Path, shards: tuple[Shard, ...], offset: int, length: int) -> bytes | None:
    """``length`` bytes from ``offset`` of the joined shards; None if they do not hold so many."""
    parts: list[bytes] = []
    if offset + length > sum(shard.bytes for shard in shards):
        return None
    for shard in shards:
        if length <= 0:
            break
        if offset >= shard.bytes:
            offset -= shard.bytes
            continue
        wanted = min(length, shard.bytes - offset)
        target = resolve_inside(folder, shard.name)
        opened = open_regular(target) if target is not None else None
        if opened is None:
            return None
        with os.fdopen(opened, "rb") as file:
            try:
                file.seek(offset)
                part = file.read(wanted)
            except OSError:
                return None
        if len(part) != wanted:
            return None
        parts.append(part)
        length -= wanted
        offset = 0
    return b"".join(parts)


def string_lengths(data: bytes, count: int) -> Iterator[int | None]:
    """The lengths of ``count`` strings, each with its length before it; None where the data end too early."""
    at = 0
    for _ in range(count):
        if at + LENGTH_BYTES > len(data):
            yield None
            return
        length = int.from_bytes(data[at : at + LENGTH_BYTES], "little")
        at += LENGTH_BYTES + length
        yield None if at > len(data) else length
