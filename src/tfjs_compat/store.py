"""Where things are kept between runs, and how a file or folder gets there whole or not at all."""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from tfjs_compat.errors import Interrupted, MachineryError

_PASSING = ("scratch", "locked", "keras", "virtualenv", "conversions")
_SMALL = ("index", "interpreters", "resolved", "tfjs")


class Store:
    """The user's cache directory of the tool. Everything in it can be deleted and is made again when needed.

    One that is read-only serves what it holds: environments, wheels, outcomes, known locks. What has to be written
    while a run goes on is then in a temporary folder of this process.
    """

    def __init__(self, root: Path | None = None) -> None:
        """``root`` defaults to TFJS_COMPAT_CACHE, else the platform's cache directory for the user."""
        named = os.environ.get("TFJS_COMPAT_CACHE")
        # Absolute: children that are given paths of the store run in folders of their own.
        self.root = (root or (Path(named) if named else platformdirs.user_cache_path("tfjs-compat"))).absolute()

    @functools.cached_property
    def read_only(self) -> bool:
        """Whether the store is there and nothing can be written to it."""
        return self.root.is_dir() and not os.access(self.root, os.W_OK)

    @functools.cached_property
    def _spare(self) -> Path:
        """In place of a read-only store: an empty folder but for copies of its small files."""
        spare = tempfile.TemporaryDirectory(prefix="tfjs-compat-")
        # For as long as this process lives: children are given paths in it.
        atexit.register(spare.cleanup)
        for name in _SMALL:
            if (self.root / name).is_dir():
                with contextlib.suppress(OSError):
                    shutil.copytree(self.root / name, Path(spare.name, name))
        return Path(spare.name)

    def folder(self, *parts: str) -> Path:
        """A folder of the store, made if it is not there. Raises MachineryError where it cannot be."""
        aside = self.read_only and parts[0] in (*_PASSING, *_SMALL)
        path = (self._spare if aside else self.root).joinpath(*parts)
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def locked(self, *name: str, stop: threading.Event | None = None) -> Iterator[None]:
        """Hold the store-wide lock of that name, so that two runs do not make the same thing at once.

        Raises Interrupted when ``stop`` is set while another run holds it.
        """
        path = self.folder("locked") / ("-".join(name) + ".lock")
        lock = FileLock(path)
        with disk_errors(path):
            while not lock.is_locked:
                with contextlib.suppress(Timeout):
                    lock.acquire(timeout=0.5)
                if not lock.is_locked and stop is not None and stop.is_set():
                    raise Interrupted
        try:
            yield
        finally:
            lock.release()


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
