"""Where tasks run: any ``concurrent.futures.Executor``, chosen by name.

A new executor is a row of EXECUTORS; one of somebody else's is named as ``module:factory``, a cluster by its address.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import NamedTuple

from tfjs_compat.engine import pool_process
from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.system.store import Store


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

NAMES = (*EXECUTORS, "dask://HOST:PORT", "dask-local:N")

_MOST_PROCESSES = 1000


_CLUSTER, _LOCAL_CLUSTER = "dask://", "dask-local:"


class Opened(NamedTuple):
    """An executor, and how many tasks it runs at once; ``remote``: on machines with a memory of their own."""

    executor: Executor
    jobs: int
    remote: bool = False


@contextlib.contextmanager
def open_executor(name: str, jobs: int, store: Store) -> Iterator[Opened]:
    """The executor of that name; it is shut down, and waited for, at the end.

    ``name`` is a key of EXECUTORS, which runs ``jobs`` tasks at once; ``module:factory`` for a function that takes the
    number of jobs and returns an Executor; ``dask://HOST:PORT``, or ``dask-local:N`` for a cluster of N processes.
    Raises RequestError, and MachineryError where a cluster cannot be reached.
    """
    opened = _opened(name, jobs, store)
    try:
        yield opened
    finally:
        opened.executor.shutdown(wait=True, cancel_futures=True)


def _opened(name: str, jobs: int, store: Store) -> Opened:
    if name.startswith("dask:"):
        from tfjs_compat.engine.cluster import open_cluster

        return Opened(*open_cluster(name.removeprefix(_CLUSTER), store), remote=True)
    if name.startswith(_LOCAL_CLUSTER):
        from tfjs_compat.engine.cluster import open_local_cluster

        number = name.removeprefix(_LOCAL_CLUSTER)
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= _MOST_PROCESSES):
            raise RequestError(f"--executor {name[:40]}: give 1 to {_MOST_PROCESSES} processes\nhint: dask-local:2")
        return Opened(*open_local_cluster(int(number), store), remote=True)
    return Opened(_factory(name)(jobs), jobs)


def _factory(name: str) -> Callable[[int], Executor]:
    if name in EXECUTORS:
        return EXECUTORS[name]
    module, colon, function = name.partition(":")
    if not colon or not module or not function:
        raise RequestError(
            f"--executor {name}: no such executor, and not of the form module:factory\nhint: {nearest(name, NAMES)}"
        )
    try:
        factory = getattr(importlib.import_module(module), function)
    except (ImportError, ValueError, TypeError) as error:
        raise RequestError(f"--executor {name}: {module} cannot be imported: {error}") from None
    except AttributeError:
        raise RequestError(f"--executor {name}: {module} has no '{function}'") from None

    if not callable(factory):
        raise RequestError(f"--executor {name}: '{function}' of {module} cannot be called")

    def checked(jobs: int) -> Executor:
        try:
            made = factory(jobs)
        except TypeError as error:
            raise RequestError(f"--executor {name}: '{function}' of {module} does not take a number: {error}") from None
        if not isinstance(made, Executor):
            raise RequestError(f"--executor {name}: it made a {type(made).__name__}, no concurrent.futures.Executor")
        return made

    return checked
