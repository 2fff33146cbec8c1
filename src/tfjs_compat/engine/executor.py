"""Where tasks run: any ``concurrent.futures.Executor``, chosen by name.

A new executor is a row of EXECUTORS; one of somebody else's is named as ``module:factory``.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from tfjs_compat.engine import pool_process
from tfjs_compat.errors import RequestError, nearest


def _threads(jobs: int) -> Executor:
    return ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="tfjs-compat")


def _processes(jobs: int) -> Executor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, initializer=pool_process.begin, initargs=(os.getpid(),))


EXECUTORS: dict[str, Callable[[int], Executor]] = {
    # The work is in children, so that threads are enough on one machine.
    "threads": _threads,
    "processes": _processes,
}
"""Name → a function that makes the executor for a number of jobs."""

DEFAULT_EXECUTOR = "threads"


@contextlib.contextmanager
def open_executor(name: str, jobs: int) -> Iterator[Executor]:
    """The executor of that name, which runs ``jobs`` tasks at once; it is shut down, and waited for, at the end.

    ``name`` is a key of EXECUTORS, or ``module:factory`` for a function that takes the number of jobs and returns an
    Executor. Raises RequestError.
    """
    executor = _factory(name)(jobs)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _factory(name: str) -> Callable[[int], Executor]:
    if name in EXECUTORS:
        return EXECUTORS[name]
    module, colon, function = name.partition(":")
    if not colon or not module or not function:
        raise RequestError(
            f"--executor {name}: no such executor, and not of the form module:factory\nhint: {nearest(name, EXECUTORS)}"
        )
    try:
        factory = getattr(importlib.import_module(module), function)
    except (ImportError, ValueError) as error:
        raise RequestError(f"--executor {name}: {module} cannot be imported: {error}") from None
    except AttributeError:
        raise RequestError(f"--executor {name}: {module} has no '{function}'") from None

    if not callable(factory):
        raise RequestError(f"--executor {name}: '{function}' of {module} cannot be called")

    def checked(jobs: int) -> Executor:
        made = factory(jobs)
        if not isinstance(made, Executor):
            raise RequestError(f"--executor {name}: it made a {type(made).__name__}, no concurrent.futures.Executor")
        return made

    return checked
