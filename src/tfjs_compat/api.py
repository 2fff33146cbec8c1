"""The library: what the command line calls. ``from tfjs_compat import Request, run, plan``."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.cases import DEFAULT, Case
from tfjs_compat.errors import RequestError
from tfjs_compat.index import fetch_releases
from tfjs_compat.inspection import check
from tfjs_compat.interpreters import find_interpreters
from tfjs_compat.matrix import TABLE, Include, Matrix, checked, missing_keys, read_matrix
from tfjs_compat.outcomes import Stage
from tfjs_compat.plan import Plan, expand_live, make_plan
from tfjs_compat.progress import Progress, Silent
from tfjs_compat.results import Results, write_results
from tfjs_compat.runner import run_plan
from tfjs_compat.runtime.bundle import require_releases
from tfjs_compat.runtime.node import find_node
from tfjs_compat.search import cure
from tfjs_compat.search.changes import World
from tfjs_compat.search.laboratory import Laboratory
from tfjs_compat.session import Request, owned, settings_of, threads
from tfjs_compat.store import Store
from tfjs_compat.webcheck import runtime_version

__all__ = ["Request", "cases", "check", "load_matrix", "matrix_path", "narrowed", "plan", "run"]

_NEUTRAL = "plain.toml"


def load_matrix(request: Request) -> tuple[Matrix, dict[str, Path]]:
    """The matrix that a request means, and for each model the folder it is relative to. Raises RequestError."""
    path = matrix_path(request.matrix, neutral=request.says_what_to_run)
    matrix = narrowed(read_matrix(path), request)
    for problem in missing_keys(matrix):
        raise RequestError(f"{path}: {problem}")
    if request.matrix is None and path == _shipped_folder() / _NEUTRAL:
        matrix = msgspec.structs.replace(matrix, name=_named_after(matrix.models))
    shipped = path.parent == _shipped_folder()
    base = Path.cwd() if shipped or request.models else path.resolve().parent
    named = {*matrix.models, *(ref for block in matrix.include for ref in block.models or [])}
    return matrix, dict.fromkeys(named, base)


def matrix_path(name: str | None, *, neutral: bool = False) -> Path:
    """The file of a matrix: a path, a shipped one's name, or the default. Raises RequestError.

    The default is [tool.tfjs-compat] of ./pyproject.toml. Where there is none it is the seed, a story of one model with
    its dates and expectations; or, with ``neutral``, the matrix that tells no story, for what the user wants to try.
    """
    if name is None:
        own = Path("pyproject.toml")
        if own.is_file() and f"[tool.{TABLE}" in own.read_text("utf-8", "replace"):
            return own
        return _shipped_folder() / (_NEUTRAL if neutral else "seed.toml")
    path = Path(name)
    shipped = _shipped_folder() / f"{name}.toml"
    if not path.is_file() and shipped.is_file():
        return shipped
    if path.is_dir():
        raise RequestError(f"{path}: a folder, not a matrix file")
    return path


def _named_after(models: Sequence[str]) -> str:
    names = [ref if ref.startswith("zoo:") else Path(ref).name or ref for ref in models]
    return ", ".join(names[:3] if len(names) < 4 else names[:2]) + (f" and {len(names) - 2} more" if names[3:] else "")


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
    with threads(request) as (executor, _):
        found = find_interpreters(request.store)
        return expand_live(matrix, bases, found, request.store, executor, request.only).cases


def plan(request: Request, progress: Progress | None = None, stop: threading.Event | None = None) -> Plan:
    """What a request would run: its cases and their locks. Builds nothing. Raises RequestError, MachineryError."""
    with threads(request) as (executor, _):
        matrix, bases = load_matrix(request)
        halt = stop or threading.Event()
        told = progress or Silent()
        _require_runtimes(matrix, request, halt)
        return make_plan(matrix, bases, request.store, executor, told, halt, only=request.only, fresh=request.fresh)


def run(request: Request, progress: Progress | None = None, stop: threading.Event | None = None) -> Results:
    """Run a request to its end and write OUTPUT/results.json. Raises RequestError, MachineryError."""
    told, halt, started = progress or Silent(), stop or threading.Event(), time.monotonic()
    matrix, bases = load_matrix(request)
    if request.inputs is not None and not request.inputs.is_file():
        raise RequestError(f"--inputs: there is no file {request.inputs}")
    output = request.output.absolute()
    with owned(output), threads(request) as (executor, jobs):
        _require_runtimes(matrix, request, halt)
        planned = make_plan(matrix, bases, request.store, executor, told, halt, only=request.only, fresh=request.fresh)
        _require_runtimes(matrix, request, halt, planned)
        settings = settings_of(request, matrix.until, matrix.limits, jobs, told, halt)
        results = run_plan(planned, output, executor, jobs, settings)
        if request.try_remedies and results.complete:
            laboratory = Laboratory(
                settings,
                output,
                executor,
                jobs,
                find_interpreters(request.store),
                process_env=matrix.process_env,
                source_builds=matrix.requirements.source_builds,
            )
            results = _with_cures(results, planned, laboratory, request.store, told)
        results = msgspec.structs.replace(results, seconds=round(time.monotonic() - started, 3))
        write_results(results, output)
        return results


def _require_runtimes(matrix: Matrix, request: Request, stop: threading.Event, plan: Plan | None = None) -> None:
    """Make sure that every TensorFlow.js that is named exists, before anything is resolved or built for it.

    With a plan: also those that only its cases tell, which have the converter's version number. Raises RequestError,
    MachineryError, Interrupted.
    """
    if matrix.until.rank <= Stage.CONVERT.rank:
        return
    named = {one for block in (matrix.axes, *matrix.include) for one in block.tfjs_runtime or []} - {
        DEFAULT,
        "converter",
    }
    if plan is not None:
        named = {runtime_version(one.case) for one in plan.cases} - named
    require_releases(sorted(named), request.store, lambda: find_node(request.node), stop=stop)


def _with_cures(results: Results, plan: Plan, laboratory: Laboratory, store: Store, progress: Progress) -> Results:
    """The results with what the remedies of each failing case came to."""
    packages = ("tensorflow", "tensorflowjs")
    world = World.of_index({name: fetch_releases(name, store) for name in packages}, find_interpreters(store))
    cases = {one.case.id: one.case for one in plan.cases}
    failing = {one.id: (cases[one.id], one) for one in results.cases if cure.wants_cure(one)}
    what = "remedies"
    progress.begin(what)
    cures = cure.with_cures(failing, world, laboratory, lambda text: progress.say(what, text))
    works = sum(one.works for one in cures.values())
    progress.end(what, f"{works} of {len(failing)} failing cases have one that works")
    return msgspec.structs.replace(results, cases=cure.cured(results.cases, cures))
