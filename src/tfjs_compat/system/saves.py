"""Files that are saved again and again: what changed, and when it has come to rest.

They are looked at by ``stat`` a few times a second. They are few, and that works alike on every file system: on those
of networks, containers and other systems a kernel reports no changes of files.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

_LOOK_SECONDS = 0.05
_SHARE = 0.1
"""Of the time, which looking may take where there are thousands of files."""

_REST_SECONDS = 0.06
"""For which nothing changes when a save is over: editors write in several steps, and several files."""

_MISSING_SECONDS = 1.0
"""In which a file that was there comes back: some editors put another file in its place, and compilers write anew."""

_MOST_SECONDS = 5.0

Look = Mapping[str, tuple[int, ...] | None]
"""What of each path changes when it is saved; None: it is not there."""

Paths = Callable[[], Iterable[Path]]
"""The files and folders to look at, as of now."""


def look(paths: Iterable[Path]) -> Look:
    """Look at files and folders. Of a folder its list of names counts. Raises nothing."""
    return {str(path): _seen(path) for path in paths}


def _seen(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return (found.st_ino, found.st_mtime_ns)
    # Not its ctime: links and modes are no content.
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def changed(before: Look, now: Look) -> tuple[str, ...]:
    """The paths that differ between two looks: saved, made or removed.

    >>> changed({"a": (1, 2), "b": (3, 4)}, {"a": (1, 2), "b": None, "c": (5, 6)})
    ('b', 'c')
    """
    return tuple(path for path in dict.fromkeys([*before, *now]) if before.get(path) != now.get(path))


class Cancellation:
    """While it is entered, ``event`` is set when ``stop`` is, or when something is saved that was looked at."""

    def __init__(self, paths: Paths, before: Look, stop: threading.Event) -> None:
        self.event = threading.Event()
        self._paths, self._before, self._stop = paths, before, stop
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="tfjs-compat-saves", daemon=True)
        self.saved = False

    def __enter__(self) -> Cancellation:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        pause = _LOOK_SECONDS
        while not self._done.wait(pause):
            if self._stop.is_set():
                self.event.set()
                return
            started = time.monotonic()
            if changed(self._before, look(self._paths())):
                self.saved = True
                self.event.set()
                return
            pause = _pause(time.monotonic() - started)


def wait_for_save(paths: Paths, before: Look, stop: threading.Event) -> tuple[tuple[str, ...], Look]:
    """Wait until something differs from ``before``: what does, and the look at it when it has come to rest.

    Nothing differs where ``stop`` was set. A save that takes longer than 5 s is taken as it is then.
    """
    pause = 0.0
    while not stop.wait(pause):
        started = time.monotonic()
        if changed(before, look(paths())):
            now = at_rest(paths, before, stop)
            if paths_saved := changed(before, now):
                return paths_saved, now
        pause = _pause(time.monotonic() - started)
    return (), before


def at_rest(paths: Paths, before: Look, stop: threading.Event) -> Look:
    """Wait until nothing changes any more, at most 5 s: the look at it then. ``before``: how it was before the save."""
    started, now = time.monotonic(), look(paths())
    since = started
    while not stop.wait(_REST_SECONDS / 3) and (clock := time.monotonic()) - started < _MOST_SECONDS:
        after = look(paths())
        if after != now:
            now, since = after, clock
        gone = any(state is None and before.get(path) is not None for path, state in now.items())
        if clock - since >= (_MISSING_SECONDS if gone else _REST_SECONDS):
            break
    return now


def _pause(looking: float) -> float:
    return max(_LOOK_SECONDS, looking / _SHARE)


def shown(path: str) -> str:
    """A path for a message: relative to the working folder where it is below it.

    >>> shown(os.path.join(os.getcwd(), "model.py"))
    'model.py'
    """
    try:
        relative = os.path.relpath(path)
    except ValueError:
        return path
    return path if relative.startswith(os.pardir) else relative
