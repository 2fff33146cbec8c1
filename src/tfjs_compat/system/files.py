"""How a file or folder gets to its place whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import gzip
import itertools
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from tfjs_compat.errors import MachineryError, RequestError

_ROOM = 600
"""Bytes that the names of files below a folder of ours may take."""


def require_usable(what: str, path: Path, *, below: bool = False) -> None:
    """See that a path that a request names can be used at all, whether it is there or not; ``what`` names it.

    ``below``: folders and files are to be made in it. Raises RequestError where its name is longer than the system
    takes, or no text in UTF-8 (results and jobs are), or a link on its way leads to itself; ``below`` also
    where it has control characters, which a terminal would obey.
    """
    whole = path.absolute()
    try:
        os.path.realpath(whole, strict=True)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # whoever uses it says so better
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError(f"{what}: cannot be used: {reason}") from None
    if (below or os.path.lexists(whole)) and any(0xD800 <= ord(char) < 0xE000 for char in str(whole)):
        raise RequestError(f"{what}: the name {str(whole)!a} is no text in UTF-8\nhint: rename it")
    if below and any(ord(char) < 32 or 127 <= ord(char) < 160 for char in str(whole)):
        raise RequestError(f"{what}: the name {str(whole)!a} has control characters\nhint: give another name")
    if below and hasattr(os, "pathconf"):
        longest = max(len(os.fsencode(part)) for part in whole.parts)
        room = os.pathconf("/", "PC_PATH_MAX") - len(os.fsencode(whole))
        if longest > os.pathconf("/", "PC_NAME_MAX") or room < _ROOM:
            raise RequestError(f"{what}: too long for the names of the files in it\nhint: give a shorter one")


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path of ours into a MachineryError."""
    try:
        yield
    except OSError as error:
        reason = "no space left on the device" if error.errno == errno.ENOSPC else (error.strerror or str(error))
        raise MachineryError(f"{error.filename or path}: {reason}") from error


@contextlib.contextmanager
def target_errors(what: str) -> Iterator[None]:
    """Turn what the operating system says about a target that a request names into an error; ``what`` names it.

    A full or damaged disk is the machinery's; that something is no folder, or not to be written to, is the request's.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise MachineryError(f"{what}: {error.strerror}") from error
        raise RequestError(f"{what}: cannot be written to: {error.strerror or error}") from None


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


def open_regular(path: Path) -> BinaryIO:
    """A regular file, or one that a link leads to, to be read. Raises OSError; never waits for a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


_OF_THE_SYSTEM = ("/proc/", "/sys/", "/dev/")


def is_of_the_system(path: Path) -> bool:
    """Whether a path leads to where files are no files: the variables of this process, say."""
    return os.path.realpath(path).startswith(_OF_THE_SYSTEM)


def require_target(what: str, file: Path) -> None:
    """See that a file that a request names can be written, before there is anything to write; ``what`` names it.

    Its folder is made. Raises as ``write_target`` does.
    """
    require_usable(what, file)
    if file.is_dir():
        raise RequestError(f"{what}: it is a folder\nhint: give the name of a file")
    with target_errors(what):
        if file.exists() and not file.is_file():
            return
        parent = file.resolve().parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent):
            pass


def write_target(file: Path, text: str) -> None:
    """Write a file that a request names: whole; through a link, which stays; into a pipe or a device as it is.

    Raises RequestError where it cannot be written to, MachineryError as ``write_whole`` does.
    """
    require_usable(str(file), file)
    if file.is_dir():
        raise RequestError(f"{file}: it is a folder\nhint: give the name of a file")
    with target_errors(str(file)):
        if file.exists() and not file.is_file():
            file.write_bytes(text.encode())
            return
        target = file.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(target.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    write_whole(target, text)


def read_regular(path: Path, most: int = 8 << 30) -> bytes:
    """What is in a regular file. Raises OSError as ``open_regular`` does, and for more than ``most`` bytes."""
    with open_regular(path) as file:
        # Its size first: of a file with holes, that may be more than there is memory.
        content = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else None
    if content is None or len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return content


def read_packed(path: Path, most: int) -> bytes:
    """What a regular file in gzip's format holds. Raises as ``read_regular``, and what gzip raises of a damaged one."""
    with open_regular(path) as file, gzip.GzipFile(fileobj=file) as packed:
        content = packed.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"unpacked larger than {most} bytes", str(path))
    return content


def is_fresh(path: Path, seconds: float) -> bool:
    """Whether a file was written in the last so many seconds; one from the future was not. Raises OSError."""
    return 0 <= time.time() - path.stat().st_mtime < seconds


def finish_removals(*folders: Path) -> None:
    """Remove what ``remove_tree`` had moved aside in these folders when its process was killed."""
    for folder in folders:
        for left in folder.glob(".removing-*"):
            remove_flat(left)


def remove_tree(path: Path) -> None:
    """Remove a folder of ours, also read-only files in it; it is moved aside first, so that no half of it is seen."""
    aside = path.with_name(f".removing-{path.name}-{secrets.token_hex(4)}")
    with disk_errors(path):
        try:
            path.rename(aside)
        except FileNotFoundError:
            return
        remove_flat(aside)


def remove_flat(path: Path) -> None:
    """Remove a folder however deep it is and whatever its permissions are; of a link, the link. Raises nothing.

    What cannot be removed stays. Nested folders are moved up before they are looked into: a path may be longer than the
    system takes, and a function that calls itself for each level ends at a thousand.
    """
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink()
        return
    numbers, moved = itertools.count(), secrets.token_hex(4)
    to_see = [path]
    emptied: list[Path] = []
    while to_see:
        place = to_see.pop()
        with contextlib.suppress(OSError):
            place.chmod(0o700)
            with os.scandir(place) as entries:
                for entry in list(entries):
                    inner = Path(entry.path)
                    with contextlib.suppress(OSError):
                        if not entry.is_dir(follow_symlinks=False):
                            inner.unlink()
                        elif place == path:
                            to_see.append(inner)
                        else:
                            inner.chmod(0o700)
                            to_see.append(inner.rename(path / f".{moved}-{next(numbers)}"))
        emptied.append(place)
    for place in reversed(emptied):
        with contextlib.suppress(OSError):
            place.rmdir()
