"""Matrix → plan: its cases, the lock each one needs or why there is none. Builds nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tfjs_compat.engine.gather import gather
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.index.releases import Release, fetch_releases
from tfjs_compat.locks import resolver
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest
from tfjs_compat.matrix import expansion
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import LeftOut
from tfjs_compat.matrix.models import Model, find_model
from tfjs_compat.matrix.problems import today
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.matrix.size import require_feasible
from tfjs_compat.matrix.source import Source
from tfjs_compat.results.plan_file import Cut
from tfjs_compat.system.context import Context
from tfjs_compat.system.interruptible import interruptible


class Planned(msgspec.Struct, frozen=True):
    """A case with what it will run in.

    ``lock`` is a lock, the proof that there is none, or (a text) the fault of the machinery that prevented an answer.
    ``variables`` are the environment variables that the case's ``process_env`` stands for.
    """

    case: Case
    python: Interpreter
    lock: Lock | Unresolved | str
    variables: dict[str, str]


class Plan(msgspec.Struct, frozen=True):
    """What a run of a matrix does: the requested cases in the order of the matrix, and what was left out.

    ``unused_rules`` are messages on expectations that match none of the cases. ``order`` holds the ids of all cases of
    the matrix, also of those that were not requested. A plan that is cut into shards has a ``cut``;
    one that is a ``shard`` (``2/3``) of it holds that shard's cases. ``source``: where the matrix stands, if the user
    wrote it.
    """

    matrix: Matrix
    cases: tuple[Planned, ...]
    left_out: tuple[LeftOut, ...]
    unused_rules: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    shard: str = ""
    cut: Cut | None = None
    source: Source | None = None

    def locks(self) -> dict[str, Lock]:
        """The distinct locks by id."""
        return {planned.lock.id: planned.lock for planned in self.cases if isinstance(planned.lock, Lock)}


def make_plan(
    matrix: Matrix,
    bases: Mapping[str, Path],
    context: Context,
    jobs: int,
    *,
    only: Sequence[str] = (),
    fresh: bool = False,
) -> Plan:
    """Expand a matrix and resolve its combinations, ``jobs`` at once.

    ``bases``: for each model reference, where it is relative to. ``only``: shell patterns for the cases that count.
    Raises RequestError and MachineryError for what concerns all of the matrix, Interrupted; a lock that fails for a
    reason of the machinery is that case's ``lock``.
    """
    found = find_interpreters(context.store)
    whole = expand_from_index(matrix, bases, found, context)
    requested = expansion.only(whole, only)
    requests = [
        resolver.request_of(case.combination, found, source_builds=matrix.requirements.source_builds)
        for case in requested.cases
    ]
    answers = resolve_all(requests, context, jobs, fresh=fresh)
    planned = tuple(
        Planned(
            case=case,
            python=request.python,
            lock=answers[request],
            variables=process_variables(case.combination.process_env, matrix.process_env),
        )
        for case, request in zip(requested.cases, requests, strict=True)
    )
    unused = tuple(expansion.unused_rules(matrix, requested.cases))
    return Plan(matrix, planned, requested.left_out, unused, tuple(case.id for case in whole.cases))


def expand_from_index(
    matrix: Matrix, bases: Mapping[str, Path], found: Sequence[Interpreter], context: Context
) -> expansion.Expansion:
    """The cases of a matrix with the releases of the index and the models of the disk.

    Raises as ``expand`` does, and Interrupted.
    """
    models: dict[str, Model] = {}

    def model_of(ref: str) -> Model:
        if ref not in models:
            models[ref] = find_model(ref, bases[ref], context.go_on)
        return models[ref]

    require_feasible(matrix)
    releases = releases_of(expansion.packages_needed(matrix), context)
    return expansion.expand(matrix, releases, found, model_of, today(), context.go_on)


def releases_of(packages: Sequence[str], context: Context) -> dict[str, tuple[Release, ...]]:
    """The releases of each package, oldest first, fetched concurrently. Raises MachineryError, Interrupted."""

    def fetch(package: str) -> tuple[Release, ...]:
        return interruptible(lambda: fetch_releases(package, context.store), context.stop)

    with ThreadPoolExecutor(max(1, len(packages)), thread_name_prefix="tfjs-compat-index") as executor:
        return dict(zip(packages, gather(executor, fetch, packages, context.stop), strict=True))


def resolve_all(
    requests: Sequence[ResolveRequest], context: Context, jobs: int, *, fresh: bool = False
) -> dict[ResolveRequest, Lock | Unresolved | str]:
    """The answer to every distinct request, ``jobs`` of them at once; a text where the machinery failed."""

    def answer_of(request: ResolveRequest) -> Lock | Unresolved | str:
        if not fresh and (kept := resolver.kept_lock(request, context.store)) is not None:
            return kept
        requirements = " ".join((*request.requirements, *request.constraints, *request.overrides))
        what = f"resolving {requirements} as of {request.as_of} on Python {request.python.version}"
        context.progress.begin(what)
        answer: Lock | Unresolved | str
        try:
            answer = resolver.resolve(request, context, fresh=fresh)
        except MachineryError as error:
            answer = str(error)
        result = f"lock {answer.id}, {len(answer.packages)} packages" if isinstance(answer, Lock) else "no solution"
        context.progress.end(what, f"error: {answer}" if isinstance(answer, str) else result)
        return answer

    distinct = list(dict.fromkeys(requests))
    with ThreadPoolExecutor(jobs, thread_name_prefix="tfjs-compat-resolve") as executor:
        return dict(zip(distinct, gather(executor, answer_of, distinct, context.stop), strict=True))
