"""Work over an executor, its results in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import TypeVar

T = TypeVar("T")


def gather(executor: Executor, work: Callable[..., T], items: Sequence[object], stop: threading.Event) -> list[T]:
    """``work`` of every item, in the order of the items. At the first exception, or Ctrl-C, ``stop`` is set."""
    futures: dict[Future[T], int] = {executor.submit(work, item): at for at, item in enumerate(items)}
    try:
        for future in as_completed(futures):
            future.result()
    except BaseException:
        stop.set()
        for future in futures:
            future.cancel()
        raise
    return [future.result() for future in futures]
