"""What all work for one command shares: the store, what stops it, whom it reports to, what a child may use."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tfjs_compat.errors import Interrupted
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.store import Store


@dataclass(frozen=True)
class Context:
    """Made by whoever starts work, passed down whole; it never crosses a process.

    ``limits`` are those of one case. ``stop`` is set when the work is to end: whatever waits looks at it and raises
    Interrupted.
    """

    store: Store
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress = field(default_factory=Silent)
    limits: Limits = field(default_factory=Limits)

    def go_on(self) -> None:
        """Raises Interrupted where the work is to end: for what waits for nothing, and takes long all the same."""
        if self.stop.is_set():
            raise Interrupted
