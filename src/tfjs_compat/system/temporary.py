"""Temporary folders that a later run removes where the process that made them was killed."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tfjs_compat.system.files import disk_errors

_MARK = "owner"
"""Ending of the file beside a folder whose lock is held for as long as its owner lives: the system ends it with it."""


@contextlib.contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """An empty folder, removed at the end; folders of this prefix whose owners were killed are removed first.

    ``parent`` defaults to the system's temporary directory. ``prefix`` has to be the tool's own there. Raises
    MachineryError where nothing can be written.
    """
    place = parent if parent is not None else Path(tempfile.gettempdir())
    with disk_errors(place), contextlib.ExitStack() as stack:
        remove_abandoned(prefix, place)
        folder = place / f"{prefix}{secrets.token_hex(4)}"
        owner = FileLock(_owner_file(folder))
        # A sweep of another process may hold it for a moment.
        owner.acquire(timeout=10)
        stack.callback(_release, owner)
        folder.mkdir(mode=0o700)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        kept = stack.pop_all()
    with kept:
        yield folder


def remove_abandoned(prefix: str, parent: Path) -> list[Path]:
    """Remove folders of ``temporary_folder`` whose owner is gone: those that were removed. Raises nothing."""
    removed: list[Path] = []
    for mark in parent.glob(f"{prefix}*.{_MARK}"):
        folder, owner = mark.with_suffix(""), FileLock(mark)
        with contextlib.suppress(Timeout, OSError):
            if hasattr(os, "getuid") and mark.lstat().st_uid != os.getuid():
                continue
            owner.acquire(timeout=0)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
            _release(owner)
    return removed


def _owner_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{_MARK}")


def _release(owner: FileLock) -> None:
    # Removed while it is held: whoever waits for it then holds a file that marks nothing.
    with contextlib.suppress(OSError):
        Path(owner.lock_file).unlink()
    with contextlib.suppress(OSError):
        owner.release()
