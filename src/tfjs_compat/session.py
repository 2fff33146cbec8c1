"""How a run runs: threads, limits, the output folder; what every command that runs cases shares."""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import filelock
import psutil

from tfjs_compat.capacity import CASE_MEMORY, default_jobs
from tfjs_compat.environments import DEFAULT_LAYOUT, Layout
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix import LimitsTable
from tfjs_compat.outcomes import Stage
from tfjs_compat.process import Limits
from tfjs_compat.progress import Progress
from tfjs_compat.server import can_fork
from tfjs_compat.store import Store, disk_errors
from tfjs_compat.trial import Settings
from tfjs_compat.webcheck import Web


@dataclass(frozen=True)
class Request:
    """What to run and how.

    ``matrix`` is a file, the name of a shipped matrix, or None for [tool.tfjs-compat] of ./pyproject.toml; where there
    is none, ``plain`` if the request says what to run, else the seed. ``axes``, ``models``, ``routes`` replace the
    file's; ``only`` are shell patterns for the cases that count. ``try_remedies``: run the remedies of what fails.
    ``jobs`` None: by cores and free memory.
    """

    matrix: str | None = None
    axes: dict[str, list[str]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    until: Stage | None = None
    output: Path = Path(".tfjs-compat")
    jobs: int | None = None
    fresh: bool = False
    source_builds: bool = False
    runtime: Literal["node", "browser"] = "node"
    node: str = "wheel"
    inputs: Path | None = None
    seconds: float | None = None
    try_remedies: bool = False
    isolation: Literal["fork", "process"] = field(default_factory=lambda: "fork" if can_fork() else "process")
    layout: Layout = DEFAULT_LAYOUT
    store: Store = field(default_factory=Store)

    @property
    def says_what_to_run(self) -> bool:
        """Whether anything is put in place of what the matrix says: models, routes, values of an axis."""
        return bool(any(self.axes.values()) or self.models or self.routes)

    @property
    def asks_for_all(self) -> bool:
        """Whether the matrix is taken as it stands, with nothing replaced or left away."""
        return not (self.says_what_to_run or self.only)


def settings_of(
    request: Request, until: Stage, given: LimitsTable, jobs: int, progress: Progress, stop: threading.Event
) -> Settings:
    """What is the same for every case of a run."""
    memory = int(min(given.memory * 2**30, sys.maxsize)) if given.memory else None
    limits = Limits(seconds=given.seconds, memory=memory or memory_limit(jobs))
    web = Web(request.store, request.runtime, request.node, limits) if until.rank > Stage.CONVERT.rank else None
    return Settings(
        store=request.store,
        until=until,
        limits=limits,
        web=web,
        stop=stop,
        progress=progress,
        inputs=request.inputs,
        isolation=request.isolation,
        fresh=request.fresh,
        layout=request.layout,
    )


def memory_limit(jobs: int) -> int:
    """The bytes that one of so many cases at once may use."""
    return max(CASE_MEMORY, int(psutil.virtual_memory().total * 0.8 / jobs))


@contextlib.contextmanager
def threads(request: Request) -> Iterator[tuple[Executor, int]]:
    """An executor for the request's number of jobs, and that number."""
    jobs = request.jobs or default_jobs()
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="tfjs-compat")
    try:
        yield executor, jobs
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def owned(output: Path) -> Iterator[None]:
    """The output folder, made and held by this run alone. What fails before it has written anything leaves no trace."""
    made = not output.exists()
    lock = filelock.FileLock(output / ".lock", timeout=0)
    with disk_errors(output):
        try:
            output.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout:
            raise RequestError(
                f"--output {output}: another run is writing to it; give this one its own folder"
            ) from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            raise RequestError(f"--output {output}: cannot be written to: {error.strerror}") from None
    try:
        yield
    except BaseException:
        _leave_no_trace(output, made=made)
        raise
    finally:
        lock.release()


def _leave_no_trace(output: Path, *, made: bool) -> None:
    """Remove the lock file, and the folder if it was ``made``, where there is nothing else in it."""
    with contextlib.suppress(OSError):
        if [one.name for one in output.iterdir()] == [".lock"]:
            (output / ".lock").unlink()
            if made:
                output.rmdir()
