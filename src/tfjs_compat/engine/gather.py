"""Work over an executor, its results in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TypeVar

from tfjs_compat.errors import Interrupted

T = TypeVar("T")

_POLL_SECONDS = 0.5


def gather(
    executor: Executor,
    work: Callable[..., T],
    items: Sequence[object],
    stop: threading.Event,
    finished: Callable[[T], None] = lambda _: None,
    stopping: Callable[[], None] = lambda: None,
    tolerated: tuple[type[BaseException], ...] = (),
    tolerating: Callable[[BaseException], None] = lambda _: None,
    waiting: Callable[[], None] = lambda: None,
) -> list[T]:
    """``work`` of every item, in the order of the items; ``finished`` is called here with each result as it comes.

    What raises one of ``tolerated`` has no result, ``tolerating`` gets it, and the rest goes on. At the first other
    exception ``stop`` is set, so that what runs ends soon; what has not begun is cancelled. ``stopping`` is called once
    when ``stop`` is set, by this or by somebody else: work in another process sees no event. ``waiting`` is called here
    now and then.

    The call returns, or raises the first exception, only when nothing of it runs any more; Interrupted where something
    was cancelled and nothing raised.
    """
    futures: list[Future[T]] = [executor.submit(work, item) for item in items]
    running: set[Future[T]] = set(futures)
    first: BaseException | None = None
    stopped = False
    while running:
        try:
            done, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            waiting()
            for future in done:
                if future.cancelled():
                    continue
                if (error := future.exception()) is None:
                    finished(future.result())
                elif isinstance(error, tolerated):
                    tolerating(error)
                else:
                    raise error
        except BaseException as error:
            first = first or error
            stop.set()
        if stop.is_set() and not stopped:
            stopped = True
            stopping()
            for future in futures:
                future.cancel()
    if first is not None:
        raise first
    if any(future.cancelled() for future in futures):
        raise Interrupted
    return [future.result() for future in futures if future.exception() is None]
