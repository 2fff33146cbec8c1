"""Functions for child processes of tests: a child imports them by name."""

from __future__ import annotations

from multiprocessing.synchronize import Event
from pathlib import Path

from tfjs_compat.handover.delivery import lock_target
from tfjs_compat.system.store import Store


def hold_target(root: Path, target: Path, ready: Event, done: Event) -> None:
    """Hold a target of a delivery until ``done`` is set."""
    with lock_target(target, Store(root)):
        ready.set()
        done.wait()
