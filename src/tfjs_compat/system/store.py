"""Where things are kept between runs, and the locks with which two runs share it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from tfjs_compat.errors import Interrupted, RequestError
from tfjs_compat.system.files import disk_errors

MARKER = "tfjs-compat-store"
"""A file that says that a folder is a store: what is in any other folder is not the tool's to remove."""

_FOLDERS = frozenset(
    (
        *("asked", "cache-keys", "code", "conversions", "environments", "granted", "index", "interpreters", "keras"),
        *("locked", "outcomes", "programs", "received", "resolved", "scratch", "tfjs", "virtualenv", "wheels"),
        "durations.jsonl",
    )
)
_EVIDENCE = (
    *("environments/*/environment.json", "outcomes/*/outcome.json", "wheels/*-*-????????????/*.dist-info"),
    *("locked/*.lock", "index/*-????????????.json", "durations.jsonl"),
    *(f"{name}/{'?' * 24}.json" for name in ("resolved", "interpreters", "programs")),
)
"""What the stores of versions without a marker hold, and hardly anything else."""

_PASSING = ("scratch", "locked", "keras", "virtualenv", "conversions")
_SMALL = ("granted", "index", "interpreters", "programs", "resolved", "tfjs")


def _say_nothing(name: str) -> None:
    """For whoever waits without a word. A function with a name: a store is sent to other processes."""


class Store:
    """The user's cache directory of the tool. Everything in it can be deleted and is made again when needed.

    One that is read-only serves what it holds: environments, wheels, outcomes, known locks. What has to be written
    while a run goes on is then in a temporary folder of this process.
    """

    def __init__(self, root: Path | None = None, *, waiting: Callable[[str], object] = _say_nothing) -> None:
        """``root`` defaults to TFJS_COMPAT_CACHE, else the platform's cache directory for the user.

        ``waiting`` is told the name of a lock that another run holds, once, when it has been waited for.
        """
        self._waiting = waiting
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

    @functools.cached_property
    def _is_ours(self) -> bool:
        """True: the folder is a store, made one if there was nothing. Raises RequestError for a folder of others."""
        if os.pathsep in str(self.root):
            # Environments are made in it: its folders get into PATH.
            raise RequestError(
                f"{self.root}: no environment can be made where a path holds '{os.pathsep}'\n"
                "hint: set TFJS_COMPAT_CACHE to another folder"
            )
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in self.root.iterdir()}
            if MARKER in names:
                return True
            # A file system of its own has it.
            names -= {"lost+found"}
            if names and not (names <= _FOLDERS and any(any(self.root.glob(sign)) for sign in _EVIDENCE)):
                raise RequestError(
                    f"{self.root} is no store of tfjs-compat, and not empty\n"
                    "hint: set TFJS_COMPAT_CACHE to an empty folder, or to one that is not there"
                )
            if not self.read_only:
                (self.root / MARKER).touch()
        return True

    def folder(self, *parts: str) -> Path:
        """A folder of the store, made if it is not there.

        Raises MachineryError where it cannot be, RequestError where the store would be in a folder of others, or the
        folder is a link.
        """
        assert self._is_ours
        self._require_no_link(parts)
        aside = self.read_only and parts[0] in (*_PASSING, *_SMALL)
        path = (self._aside if aside else self.root).joinpath(*parts)
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            if not self.read_only and not (self.root / MARKER).exists() and self._holds_only_ours():
                # It was deleted while it is in use.
                (self.root / MARKER).touch()
        return path

    def _holds_only_ours(self) -> bool:
        return {path.name for path in self.root.iterdir()} <= _FOLDERS

    def _require_no_link(self, parts: tuple[str, ...]) -> None:
        """See that no folder on the way is a link: what it leads to is somebody else's, and would be emptied."""
        path = self.root
        for part in parts:
            path /= part
            if path.is_symlink():
                raise RequestError(
                    f"{path}: a folder of the store must not be a link\n"
                    "hint: remove it; to keep the store elsewhere, set TFJS_COMPAT_CACHE"
                )

    @contextlib.contextmanager
    def locked(self, *name: str, stop: threading.Event | None = None) -> Iterator[None]:
        """Hold the store-wide lock of that name, so that two runs do not make the same thing at once.

        Raises Interrupted when ``stop`` is set while another run holds it.
        """
        path = self._lock_file(name)
        lock = FileLock(path)
        told = False
        with disk_errors(path):
            while not lock.is_locked:
                with contextlib.suppress(Timeout):
                    lock.acquire(timeout=0.5)
                if lock.is_locked:
                    break
                if stop is not None and stop.is_set():
                    raise Interrupted
                if not told:
                    self._waiting(path.stem)
                    told = True
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def locked_if_free(self, *name: str) -> Iterator[bool]:
        """Hold the store-wide lock of that name, or give False where another run holds it, or it cannot be had."""
        lock = FileLock(self._lock_file(name))
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _lock_file(self, name: tuple[str, ...]) -> Path:
        return self.folder("locked") / ("-".join(name) + ".lock")
