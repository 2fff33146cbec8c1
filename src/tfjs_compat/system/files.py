"""How a file or folder gets to its place whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
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


def write_whole(path: Path, content: str | bytes, *, lasting: bool = True) -> None:
    """Write a file so that a reader, or a run after a kill, sees the old content or the new one, never a part.

    Not ``lasting``: a loss of power may damage it, which must harm nothing; it takes a fraction of the time.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


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
