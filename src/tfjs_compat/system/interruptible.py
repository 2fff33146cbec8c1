"""Work that cannot be stopped, left behind when the user stops the command."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from tfjs_compat.errors import Interrupted

T = TypeVar("T")

_POLL_SECONDS = 0.2


def interruptible(work: Callable[[], T], stop: threading.Event) -> T:
    """The result of ``work``, or what it raises. Raises Interrupted when ``stop`` is set, leaving it to its thread."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([future], timeout=_POLL_SECONDS).done:
        if stop.is_set():
            raise Interrupted
    return future.result()
