"""The processes of a pool: they stop with their coordinator, busy or idle, however it ends."""

from __future__ import annotations

import os
import signal
import threading
import time

_WATCH_SECONDS = 0.5
_GRACE_SECONDS = 30.0

orphaned = threading.Event()
"""Set in a pool's process when its coordinator is gone."""


def begin(coordinator: int) -> None:
    """Begin a process of a pool. ``coordinator``: the id of the process that gives it work.

    Ctrl-C reaches every process of a terminal: the coordinator decides what it means, and tells the others.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(coordinator,), daemon=True).start()


def _watch(coordinator: int) -> None:
    while os.getppid() == coordinator:
        time.sleep(_WATCH_SECONDS)
    orphaned.set()
    # A task that runs ends its children first. An idle process would wait for ever: it holds both ends of its queue.
    deadline = time.monotonic() + _GRACE_SECONDS
    while busy.is_set() and time.monotonic() < deadline:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


busy = threading.Event()
"""Set in a pool's process while it runs a task."""
