"""Matrix → plan: its cases, the lock each one needs or why there is none. Builds nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from pathlib import Path

import msgspec

from tfjs_compat.engine.gather import T, gather
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.index.releases import Release, fetch_releases
from tfjs_compat.locks import resolver as locks
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix import expansion as expand
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Model, find_model
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.system.context import Context
from tfjs_compat.system.progress import Progress
from tfjs_compat.system.store import Store


class Planned(msgspec.Struct, frozen=True):
    """A case with what it will run in: a lock, a proof that there is none, or a fault of the machinery (a text)."""

    case: Case
    python: Interpreter
    lock: Lock | Unresolved | str
    variables: dict[str, str]


class Plan(msgspec.Struct, frozen=True):
    """What a run of a matrix does: every case in order, and what was left out."""

    matrix: Matrix
    cases: tuple[Planned, ...]
    left_out: tuple[expand.LeftOut, ...]
    unused_rules: tuple[str, ...] = ()

    def locks(self) -> dict[str, Lock]:
        """The distinct locks by id."""
        return {one.lock.id: one.lock for one in self.cases if isinstance(one.lock, Lock)}


def make_plan(
    matrix: Matrix,
    bases: Mapping[str, Path],
    store: Store,
    executor: Executor,
    progress: Progress,
    stop: threading.Event,
    *,
    only: Sequence[str] = (),
    fresh: bool = False,
) -> Plan:
    """Expand a matrix and resolve its combinations. ``bases``: for each model reference, where it is relative to.

    ``only``: shell patterns for the cases that count.

    Raises RequestError and MachineryError for what concerns all of the matrix; a lock that fails for a reason of the
    machinery is that case's ``lock``.
    """
    found = find_interpreters(store)
    expansion = expand_from_index(matrix, bases, found, store, executor, only, stop)
    requests = [
        locks.request_of(case.combination, found, source_builds=matrix.requirements.source_builds)
        for case in expansion.cases
    ]
    answers = resolve_all(requests, store, executor, progress, stop, fresh=fresh)
    planned = tuple(
        Planned(
            case=case,
            python=request.python,
            lock=answers[request],
            variables=process_variables(case.combination.process_env, matrix.process_env),
        )
        for case, request in zip(expansion.cases, requests, strict=True)
    )
    unused = tuple(expand.unused_rules(matrix, expansion.cases))
    return Plan(matrix, planned, expansion.left_out, unused)


def expand_from_index(
    matrix: Matrix,
    bases: Mapping[str, Path],
    found: Sequence[Interpreter],
    store: Store,
    executor: Executor,
    only: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> expand.Expansion:
    """The cases of a matrix with the releases of the index and the models of the disk.

    Raises as ``expand`` does, and Interrupted.
    """
    releases = _releases(matrix, store, executor, stop or threading.Event())
    models: dict[str, Model] = {}

    def model_of(ref: str) -> Model:
        if ref not in models:
            models[ref] = find_model(ref, bases[ref])
        return models[ref]

    return expand.only(expand.expand(matrix, releases, found, model_of), only)


def _releases(
    matrix: Matrix, store: Store, executor: Executor, stop: threading.Event
) -> dict[str, tuple[Release, ...]]:
    def one(package: str) -> tuple[Release, ...]:
        return _interruptible(lambda: fetch_releases(package, store), stop)

    asked = expand.packages_asked(matrix)
    return dict(zip(asked, gather(executor, one, asked, stop), strict=True))


def _interruptible(work: Callable[[], T], stop: threading.Event) -> T:
    """The result of something that waits and cannot be told to stop. Raises Interrupted, leaving it to end alone."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([future], timeout=0.2).done:
        if stop.is_set():
            raise Interrupted
    return future.result()


def resolve_all(
    requests: Sequence[locks.ResolveRequest],
    store: Store,
    executor: Executor,
    progress: Progress,
    stop: threading.Event,
    *,
    fresh: bool = False,
) -> dict[locks.ResolveRequest, Lock | Unresolved | str]:
    """The answer to every distinct request; a text where the machinery failed."""

    def one(request: locks.ResolveRequest) -> Lock | Unresolved | str:
        if not fresh and (kept := locks.kept_lock(request, store)) is not None:
            return kept
        asked = " ".join((*request.requirements, *request.constraints, *request.overrides))
        what = f"resolving {asked} as of {request.as_of} on Python {request.python.version}"
        progress.begin(what)
        answer: Lock | Unresolved | str
        try:
            answer = locks.resolve(request, Context(store, stop, progress), fresh=fresh)
        except MachineryError as error:
            answer = str(error)
        told = f"lock {answer.id}, {len(answer.packages)} packages" if isinstance(answer, Lock) else "no solution"
        progress.end(what, f"error: {answer}" if isinstance(answer, str) else told)
        return answer

    distinct = list(dict.fromkeys(requests))
    return dict(zip(distinct, gather(executor, one, distinct, stop), strict=True))
