"""Where tasks run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.system.capacity import default_jobs


@contextlib.contextmanager
def threads(request: RunRequest) -> Iterator[tuple[Executor, int]]:
    """An executor for the request's number of jobs, and that number."""
    jobs = request.jobs or default_jobs()
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="tfjs-compat")
    try:
        yield executor, jobs
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
