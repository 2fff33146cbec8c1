"""What a child left on the disk: read, sorted out and copied without trust. Everything that reads it does so here.

A child may have put anything into its folder: links that lead out, pipes that block, files with holes that are larger
than the disk, folders nested deeper than a path is long, hard links to files of the user. ``settle`` takes all of that
out once its processes have ended; what is written and read there afterwards meets regular files and folders only.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tfjs_compat.errors import MachineryError
from tfjs_compat.system.files import disk_errors, remove_flat
from tfjs_compat.system.holes import copy_with_holes, size_on_disk

MAX_DEPTH = 32
"""Levels of folders that ``settle`` leaves. A SavedModel has three."""

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_child_file(path: Path, most: int, *, tail: bool = False) -> bytes:
    """What is in a file that a child could write to; empty where it cannot be read.

    A child may put anything in its place: what is no regular file (a link, a pipe, a device) counts as unreadable, and
    so does one of more than ``most`` bytes, of which ``tail`` gives the last ``most`` instead. Waits for nobody.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NOFOLLOW)
    except OSError:
        return b""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or (found.st_size > most and not tail):
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            file.seek(max(0, found.st_size - most))
            return file.read(most)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


class Settled(NamedTuple):
    """What was taken out of a folder: ``gone``: the folder itself was not there any more; ``removed``: entries."""

    gone: bool
    removed: tuple[str, ...]


def settle(folder: Path) -> Settled:
    """Leave in a child's folder what is safe to go on with: folders, and regular files with one name each.

    Call it when nothing of the child runs any more. Links (also hard links: the other name may be a file of the user),
    pipes, sockets, devices and folders deeper than ``MAX_DEPTH`` are removed; what is read-only becomes writable. A
    folder that is gone, or is something else now, is made anew. Raises MachineryError.
    """
    removed: list[str] = []
    with disk_errors(folder):
        if gone := not _is_folder(folder):
            with contextlib.suppress(FileNotFoundError):
                folder.unlink()
            folder.mkdir(parents=True)
        for place, entry, depth in _walk(folder):
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH:
                    continue
                remove_flat(Path(entry.path))
            else:
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                    if not found.st_mode & stat.S_IRUSR or not found.st_mode & stat.S_IWUSR:
                        Path(entry.path).chmod(0o644)
                    continue
                Path(entry.path).unlink()
            if len(removed) < 100:
                removed.append(os.path.relpath(os.path.join(place, entry.name), folder))  # noqa: PTH118
    return Settled(gone, tuple(removed))


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _walk(folder: Path) -> Iterator[tuple[str, os.DirEntry[str], int]]:
    """Every entry below a folder, with its folder and its depth (1 in ``folder`` itself); follows no link."""
    level = [(str(folder), 1)]
    while level:
        place, depth = level.pop()
        Path(place).chmod(0o700)
        with os.scandir(place) as entries:
            for entry in list(entries):
                yield place, entry, depth
                if depth < MAX_DEPTH and entry.is_dir(follow_symlinks=False):
                    level.append((entry.path, depth + 1))


class TooMuchError(Exception):
    """A child left more than is copied: says how much."""


def copy_settled(
    source: Path,
    target: Path,
    names: Iterable[str],
    *,
    most_bytes: float = math.inf,
    most_files: float = math.inf,
    over: bool = False,
) -> None:
    """Copy entries of a settled folder into a new folder; what is no file or folder there is left out.

    ``over``: into a folder that may be there, over what it has. Holes stay holes: a file takes as much of the disk as
    it did. Raises TooMuchError for more files, or more bytes on the disk, than are allowed, MachineryError.
    """
    files = 0
    size = 0
    with disk_errors(source):
        target.mkdir(parents=True, exist_ok=over)
        to_copy = [(source / name, target / name, 0) for name in names]
        while to_copy:
            path, copy, depth = to_copy.pop()
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(found.st_mode) and depth < MAX_DEPTH:
                copy.mkdir(exist_ok=over)
                to_copy += [(path / name, copy / name, depth + 1) for name in os.listdir(path)]  # noqa: PTH208
            elif stat.S_ISREG(found.st_mode):
                files += 1
                size += size_on_disk(found)
                if files > most_files or size > most_bytes:
                    most = f"{most_files} files or {most_bytes / 2**20:.0f} MiB"
                    raise TooMuchError(f"{source.name} holds more than {most}")
                if over:
                    copy.unlink(missing_ok=True)
                _copy_file(path, copy)


def _copy_file(source: Path, target: Path) -> None:
    descriptor = os.open(source, os.O_RDONLY | _NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file, target.open("xb") as copy:
        copy_with_holes(file, copy)


def make_empty(path: Path) -> None:
    """Remove whatever is at a path, so that a file or folder can be made there. Raises MachineryError."""
    with disk_errors(path):
        if _is_folder(path):
            remove_flat(path)
            if _is_folder(path):
                raise MachineryError(f"{path}: cannot be removed")
        else:
            path.unlink(missing_ok=True)
