"""The library: what the command line calls. ``from tfjs_compat import Request, run, plan``."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import filelock
import msgspec
import psutil

from tfjs_compat.artifact import read
from tfjs_compat.cases import Case
from tfjs_compat.diagnosis import Checked, Outcome, diagnose_artifact
from tfjs_compat.environments import DEFAULT_LAYOUT, Layout
from tfjs_compat.errors import RequestError
from tfjs_compat.interpreters import find_interpreters
from tfjs_compat.matrix import TABLE, Include, Matrix, checked, read_matrix
from tfjs_compat.outcomes import Stage
from tfjs_compat.plan import Plan, expand_live, make_plan
from tfjs_compat.process import Limits
from tfjs_compat.progress import Progress, Silent
from tfjs_compat.results import Results, write_results
from tfjs_compat.runner import run_plan
from tfjs_compat.runtime.bundle import default_version
from tfjs_compat.server import can_fork
from tfjs_compat.store import Store, disk_errors
from tfjs_compat.trial import Settings
from tfjs_compat.webcheck import Subject, Web, check_converted

_CASE_MEMORY = 3 << 30


@dataclass(frozen=True)
class Request:
    """What to run and how.

    ``matrix`` is a file, the name of a shipped matrix, or None for [tool.tfjs-compat] of ./pyproject.toml or else the
    seed. ``axes``, ``models``, ``routes`` replace the file's; ``only`` are shell
    patterns for the cases that count. ``jobs`` None: by cores and free memory.
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
    isolation: Literal["fork", "process"] = field(default_factory=lambda: "fork" if can_fork() else "process")
    layout: Layout = DEFAULT_LAYOUT
    store: Store = field(default_factory=Store)

    @property
    def asks_for_all(self) -> bool:
        """Whether the matrix is taken as it stands, with nothing replaced or left away."""
        return not (any(self.axes.values()) or self.models or self.routes or self.only)


def load_matrix(request: Request) -> tuple[Matrix, dict[str, Path]]:
    """The matrix that a request means, and for each model the folder it is relative to. Raises RequestError."""
    path = matrix_path(request.matrix)
    matrix = narrowed(read_matrix(path), request)
    shipped = path.parent == _shipped_folder()
    base = Path.cwd() if shipped or request.models else path.resolve().parent
    named = {*matrix.models, *(ref for block in matrix.include for ref in block.models or [])}
    return matrix, dict.fromkeys(named, base)


def matrix_path(name: str | None) -> Path:
    """The file of a matrix: a path, a shipped one's name, or the default. Raises RequestError."""
    if name is None:
        own = Path("pyproject.toml")
        if own.is_file() and f"[tool.{TABLE}" in own.read_text("utf-8", "replace"):
            return own
        return _shipped_folder() / "seed.toml"
    path = Path(name)
    shipped = _shipped_folder() / f"{name}.toml"
    if not path.is_file() and shipped.is_file():
        return shipped
    if path.is_dir():
        raise RequestError(f"{path}: a folder, not a matrix file")
    return path


def _shipped_folder() -> Path:
    inside = Path(__file__).parent / "envs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "envs"


def narrowed(matrix: Matrix, request: Request) -> Matrix:
    """The matrix with what the request says in place of what the file says, in its includes too."""
    replaced = msgspec.structs.replace
    axes = {name: values for name, values in request.axes.items() if values}
    unset: dict[str, None] = dict.fromkeys(axes)
    if request.models:
        unset["models"] = None
    if request.routes:
        unset["routes"] = None
    include: list[Include] = [replaced(block, **unset) for block in matrix.include]
    requirements = matrix.requirements
    if request.source_builds:
        requirements = replaced(requirements, source_builds=True)
    if request.seconds is not None and not request.seconds > 0:
        raise RequestError(f"--time-limit: {request.seconds} is no number of seconds")
    limits = replaced(matrix.limits, seconds=request.seconds) if request.seconds else matrix.limits
    changed = replaced(
        matrix,
        axes=replaced(matrix.axes, **axes),
        include=include,
        models=list(request.models) or matrix.models,
        routes=list(request.routes) or matrix.routes,
        until=request.until or matrix.until,
        requirements=requirements,
        limits=limits,
    )
    return checked(changed, "command line")


def cases(request: Request) -> tuple[Case, ...]:
    """The cases that a request means, without resolving anything. Raises RequestError, MachineryError."""
    matrix, bases = load_matrix(request)
    with _threads(request) as (executor, _):
        found = find_interpreters(request.store)
        return expand_live(matrix, bases, found, request.store, executor, request.only).cases


def plan(request: Request, progress: Progress | None = None, stop: threading.Event | None = None) -> Plan:
    """What a request would run: its cases and their locks. Builds nothing. Raises RequestError, MachineryError."""
    with _threads(request) as (executor, _):
        matrix, bases = load_matrix(request)
        halt = stop or threading.Event()
        told = progress or Silent()
        return make_plan(matrix, bases, request.store, executor, told, halt, only=request.only, fresh=request.fresh)


def run(request: Request, progress: Progress | None = None, stop: threading.Event | None = None) -> Results:
    """Run a request to its end and write OUTPUT/results.json. Raises RequestError, MachineryError."""
    told, halt, started = progress or Silent(), stop or threading.Event(), time.monotonic()
    matrix, bases = load_matrix(request)
    if request.inputs is not None and not request.inputs.is_file():
        raise RequestError(f"--inputs: there is no file {request.inputs}")
    output = request.output.absolute()
    with _owned(output), _threads(request) as (executor, jobs):
        planned = make_plan(matrix, bases, request.store, executor, told, halt, only=request.only, fresh=request.fresh)
        memory = int(min(matrix.limits.memory * 2**30, sys.maxsize)) if matrix.limits.memory else None
        limits = Limits(seconds=matrix.limits.seconds, memory=memory or _memory_limit(jobs))
        web = Web(request.store, request.runtime, request.node, limits) if _wants_web(matrix.until) else None
        settings = Settings(
            store=request.store,
            until=matrix.until,
            limits=limits,
            web=web,
            stop=halt,
            progress=told,
            inputs=request.inputs,
            isolation=request.isolation,
            fresh=request.fresh,
            layout=request.layout,
        )
        results = run_plan(planned, output, executor, jobs, settings)
        results = msgspec.structs.replace(results, seconds=round(time.monotonic() - started, 3))
        write_results(results, output)
        return results


def _wants_web(until: Stage) -> bool:
    return until.rank > Stage.CONVERT.rank


def check(
    folder: Path,
    *,
    tfjs: str | None = None,
    runtime: Literal["node", "browser"] = "node",
    node: str = "wheel",
    store: Store | None = None,
    stop: threading.Event | None = None,
) -> Checked:
    """Check a TensorFlow.js model that exists already, and load it; no Python environment is needed.

    ``folder`` holds model.json, or is the folder of a case, whose inputs and predictions are then compared again.
    Raises RequestError, MachineryError, Interrupted.
    """
    kept = store or Store()
    whole = (folder / "artifact").is_dir()
    artifact = folder / "artifact" if whole else folder
    if not artifact.is_dir():
        raise RequestError(f"{folder}: there is no such folder; give one that holds a model.json")
    if not (artifact / "model.json").exists():
        raise RequestError(f"{folder}: it holds no model.json, so it is no TensorFlow.js model")
    web = Web(kept, runtime, node, Limits(seconds=300.0, memory=_memory_limit(1)))
    parent = kept.folder("scratch")
    with disk_errors(parent), tempfile.TemporaryDirectory(dir=parent, prefix="check-") as name:
        scratch = Path(name)
        (scratch / "artifact").symlink_to(artifact.resolve(), target_is_directory=True)
        told = [one for one in ("inputs", "expected") if whole and (folder / one).is_dir()]
        for one in told:
            (scratch / one).symlink_to((folder / one).resolve(), target_is_directory=True)
        reading = read(artifact)
        subject = Subject(
            scratch,
            reading.artifact.format if reading.artifact is not None else "layers",
            tfjs or default_version(),
            None if len(told) == 2 else "there are no inputs and predictions beside it",
        )
        outcome = check_converted(subject, Outcome(Stage.CHECK), web, Stage.PREDICT, stop or threading.Event())
    return diagnose_artifact(str(folder), outcome)


def default_jobs() -> int:
    """How many cases at once: one per core, as far as memory goes (a case with TensorFlow takes up to 3 GiB)."""
    return max(1, min(os.cpu_count() or 1, int(psutil.virtual_memory().available // _CASE_MEMORY)))


def _memory_limit(jobs: int) -> int:
    return max(_CASE_MEMORY, int(psutil.virtual_memory().total * 0.8 / jobs))


@contextlib.contextmanager
def _threads(request: Request) -> Iterator[tuple[Executor, int]]:
    jobs = request.jobs or default_jobs()
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="tfjs-compat")
    try:
        yield executor, jobs
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _owned(output: Path) -> Iterator[None]:
    """The output folder, made and held by this run alone."""
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
    finally:
        lock.release()
