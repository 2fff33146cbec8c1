"""The end of a search by time: a stop event that is set when the user's is, or when the time is up."""

from __future__ import annotations

import math
import threading
import time
from types import TracebackType

_LOOK = 0.1
"""Seconds after which the watching thread notices that the user stopped it, or that the time is up."""


class Deadline:
    """While it is entered, ``stop`` is set when ``user_stop`` is or when ``ends`` passes: what waits for it then ends.

    ``ends`` is a time of ``time.monotonic``, in seconds; None: none. ``stop`` may be set by the work itself, too, which
    ``user_stop`` never shows.
    """

    def __init__(self, user_stop: threading.Event, ends: float | None = None) -> None:
        self.stop = threading.Event()
        self._user_stop, self._ends = user_stop, math.inf if ends is None else ends
        self._passed, self._done = False, threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="tfjs-compat-deadline", daemon=True)

    @property
    def passed(self) -> bool:
        """Whether the time is up, and was before the user stopped it."""
        self._look()
        return self._passed

    def __enter__(self) -> Deadline:
        self._look()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self.stop.is_set() and not self._done.is_set():
            self._done.wait(max(0.0, min(_LOOK, self._ends - time.monotonic())))
            self._look()

    def _look(self) -> None:
        if self._user_stop.is_set():
            self.stop.set()
        elif time.monotonic() >= self._ends:
            self._passed = True
            self.stop.set()
