"""The two ends of a comparison as trials: a case of earlier results, what a request means, or a change of that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned, make_plan, releases_of, resolve_all
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import choose
from tfjs_compat.locks.lock import Lock, bound_to, read_lock
from tfjs_compat.locks.resolver import request_of
from tfjs_compat.matrix.axes import AXES, Axes, Combination, texts
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import expand, packages_needed
from tfjs_compat.matrix.loading import checked
from tfjs_compat.matrix.models import Model, find_model
from tfjs_compat.matrix.process_env import PROCESS_ENVS, process_variables
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import read_regular
from tfjs_compat.workflows.matrices import matrix_of_options

_KEYS = {axis.name: axis.name for axis in AXES} | {"constraint": "constraints", "stand_in": "stand_ins"}
_ROUTE = "route"
_NAMED = 8
"""How many cases a message lists."""


def end_of_result(result: CaseResult, output: Path, context: Context) -> Planned:
    """The trial that a result is of, in its own lock, as OUTPUT/locks holds it; one without a lock is resolved again.

    Raises as ``model_of`` and ``kept_lock``, MachineryError where this machine has no such Python.
    """
    model, variables = model_of(result), variables_of(result)
    case = Case(result.combination, model, find_route(result.route))
    found = find_interpreters(context.store)
    if result.lock is None:
        python = choose(result.combination.python, found)
        return plan_one(
            result.combination, Planned(case, python, result.message, variables), result.route, Stage.PREDICT, context
        )
    lock = kept_lock(result.lock, output)
    same = [python for python in found if python.build == lock.python]
    python = same[0] if same else choose(lock.python.minor, found)
    return Planned(case, python, bound_to(lock, python.build), variables)


def model_of(result: CaseResult) -> Model:
    """The model of a result, looked up from the working folder. Raises RequestError where it is not what was run."""
    model = find_model(result.model, Path.cwd())
    if result.model_digest and model.digest != result.model_digest:
        raise RequestError(
            f"model '{result.model}': it was changed since the case was run\nhint: run it again, then this command"
        )
    return model


def variables_of(result: CaseResult) -> dict[str, str]:
    """The process variables of a result; those of an older file by the name of their set. Raises RequestError."""
    if result.process_variables is not None:
        return result.process_variables
    return process_variables(result.combination.process_env, {})


def kept_lock(name: str, output: Path) -> Lock:
    """A lock of a run by its id, as OUTPUT/locks holds it. Raises RequestError where it is not there any more."""
    path = output / "locks" / f"{name}.txt"
    if not re.fullmatch(r"[0-9a-f]+", name):
        raise RequestError(f"{output}: '{name}' is no id of a lock\nhint: run it again")
    try:
        return read_lock(read_regular(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path}: the lock of this case cannot be read: {error}\nhint: run it again") from None
    except RequestError as error:
        raise RequestError(f"{path}: {error}\nhint: run it again") from None


def plan_of_options(options: RunRequest, engine: Engine) -> Planned:
    """The one case that the options of a request mean, resolved. Raises RequestError where they mean several."""
    matrix, bases = matrix_of_options(options)
    plan = make_plan(matrix, bases, engine.context, engine.jobs, only=options.only, fresh=options.fresh)
    if len(plan.cases) != 1:
        listed = "\n".join(f"  {planned.case.id}" for planned in plan.cases[:_NAMED])
        raise RequestError(f"the options mean {len(plan.cases)} cases, and have to mean one\nhint: --only\n{listed}")
    return plan.cases[0]


def plan_one(combination: Combination, bad: Planned, route: str, until: Stage, context: Context) -> Planned:
    """A combination with the model of another trial, resolved as ``run`` would.

    Raises RequestError for versions that do not exist, MachineryError, Interrupted.
    """
    given = {axis.name: axis.value(combination) for axis in AXES}
    lists: dict[str, Any] = {
        name: [list(value) if isinstance(value, tuple) else value] for name, value in given.items() if value
    }
    own = {} if combination.process_env in PROCESS_ENVS else {bad.case.combination.process_env: bad.variables}
    matrix = Matrix(models=[bad.case.model.ref], routes=[route], until=until, axes=Axes(**lists), process_env=own)
    found = find_interpreters(context.store)
    index = releases_of(packages_needed(matrix), context)
    cases = expand(checked(matrix, "--good"), index, found, lambda _: bad.case.model).cases
    if len(cases) != 1:
        raise RequestError(f"--good: it means {len(cases)} cases, and has to mean one\nhint: give exact versions")
    source_builds = isinstance(bad.lock, Lock) and bad.lock.source_builds
    request = request_of(cases[0].combination, found, source_builds=source_builds)
    variables = process_variables(cases[0].combination.process_env, own)
    return Planned(cases[0], request.python, resolve_all([request], context, 1)[request], variables)


def changed_end(bad: Planned, given: Sequence[str], until: Stage, context: Context) -> Planned:
    """The bad end with some axes changed: each text is ``KEY=VALUE``, KEY an axis or ``route``.

    A constraint takes the place of one on the same package. Raises as ``plan_one`` does.
    """
    combination, route = bad.case.combination, bad.case.route.name
    for name, value in map(_parsed, given):
        if name == _ROUTE:
            route = value
        elif name in ("constraints", "extra", "overrides"):
            kept = [line for line in getattr(combination, name) if _package(line) != _package(value)]
            combination = msgspec.structs.replace(combination, **{name: (*kept, *texts(value))})
        elif name == "stand_ins":
            combination = msgspec.structs.replace(combination, stand_ins=(*combination.stand_ins, *texts(value)))
        else:
            combination = msgspec.structs.replace(combination, **{name: value})
    return plan_one(combination, bad, route, until, context)


def is_change(text: str) -> bool:
    """Whether a text names a change (``KEY=VALUE``), and not a case."""
    name, equals, _ = text.partition("=")
    return bool(equals) and name.replace("-", "_").isidentifier()


def _parsed(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    key = name.strip().replace("-", "_")
    known: Mapping[str, str] = {**_KEYS, _ROUTE: _ROUTE}
    if key not in known:
        raise RequestError(f"--good {text}: there is no axis '{name}'\nhint: {nearest(key, known)}")
    return known[key], value.strip()


def _package(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequestError(f"--good: '{line}' is not a requirement such as 'setuptools<81': {reason}") from None
