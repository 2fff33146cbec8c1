"""Where things are kept between runs, and the locks with which two runs share it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from tfjs_compat.errors import Interrupted
from tfjs_compat.system.files import disk_errors

_PASSING = ("scratch", "locked", "keras", "virtualenv", "conversions")
_SMALL = ("index", "interpreters", "programs", "resolved", "tfjs")


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
    def _aside(self) -> Path:
        """In place of a read-only store: an empty folder but for copies of its small files."""
        temporary = tempfile.TemporaryDirectory(prefix="tfjs-compat-")
        # For as long as this process lives: children are given paths in it.
        atexit.register(temporary.cleanup)
        for name in _SMALL:
            if (self.root / name).is_dir():
                with contextlib.suppress(OSError):
                    shutil.copytree(self.root / name, Path(temporary.name, name))
        return Path(temporary.name)

    def folder(self, *parts: str) -> Path:
        """A folder of the store, made if it is not there. Raises MachineryError where it cannot be."""
        aside = self.read_only and parts[0] in (*_PASSING, *_SMALL)
        path = (self._aside if aside else self.root).joinpath(*parts)
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
