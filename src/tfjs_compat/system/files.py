"""How a file or folder gets to its place whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tfjs_compat.errors import MachineryError


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path of ours into a MachineryError."""
    try:
        yield
    except OSError as error:
        reason = "no space left on the device" if error.errno == errno.ENOSPC else (error.strerror or str(error))
        raise MachineryError(f"{error.filename or path}: {reason}") from error


def write_whole(
    path: Path, content: str | bytes, *, lasting: bool = True, sync: Callable[[int], object] = os.fsync
) -> None:
    """Write a file so that a reader, or a run after a kill, sees the old content or the new one, never a part.

    ``lasting``: a loss of power leaves either, too: file and folder are written to the disk by ``sync``. Without it,
    which takes a fraction of the time, a loss of power may damage the file, which must harm nothing.
    Raises MachineryError.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with disk_errors(path):
        parents = [path.parent, *(folder.parent for folder in path.parents if not folder.exists())]
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                if lasting:
                    file.flush()
                    sync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        # Elsewhere a folder cannot be opened.
        for folder in parents if lasting and os.name == "posix" else ():
            _sync_folder(folder, sync)


def _sync_folder(folder: Path, sync: Callable[[int], object]) -> None:
    """Write to the disk what a folder holds by name: without it a new file may be gone although its bytes are there."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path) -> bytes:
    """What is in a regular file, or in one that a link leads to. Raises OSError; never waits for a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read()


def is_fresh(path: Path, seconds: float) -> bool:
    """Whether a file was written in the last so many seconds; one from the future was not. Raises OSError."""
    return 0 <= time.time() - path.stat().st_mtime < seconds


def finish_removals(*folders: Path) -> None:
    """Remove what ``remove_tree`` had moved aside in these folders when its process was killed."""
    for folder in folders:
        for left in folder.glob(".removing-*"):
            shutil.rmtree(left, ignore_errors=True)


def read_child_file(path: Path, most: int, *, tail: bool = False) -> bytes:
    """What is in a file that a child could write to; empty where it cannot be read.

    A child may put anything in its place: what is no regular file (a link, a pipe, a device) counts as unreadable, and
    so does one of more than ``most`` bytes, of which ``tail`` gives the last ``most`` instead. Waits for nobody.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
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


def remove_tree(path: Path) -> None:
    """Remove a folder of ours, also read-only files in it; it is moved aside first, so that no half of it is seen."""
    aside = path.with_name(f".removing-{path.name}-{secrets.token_hex(4)}")
    with disk_errors(path):
        try:
            path.rename(aside)
        except FileNotFoundError:
            return
        shutil.rmtree(aside, ignore_errors=True)


def digest_files(files: Iterable[tuple[str, Path]]) -> str:
    """A SHA-256 over names and contents, in the order given."""
    whole = hashlib.sha256()
    for name, path in files:
        content = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                content.update(block)
        whole.update(f"{name}\0{content.hexdigest()}\n".encode())
    return whole.hexdigest()
