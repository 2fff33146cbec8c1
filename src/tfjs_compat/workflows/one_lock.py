"""Run in exactly one lock, from anybody's results: nothing is resolved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tfjs_compat.engine.plan import Plan, Planned, expand_from_index
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.locks.lock import Lock, bound_to, read_any_lock
from tfjs_compat.matrix.expansion import only
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.system.context import Context

_DECIDED = ("tensorflow", "tensorflowjs", "keras", "extra", "constraints", "overrides", "stand_ins", "as_of")


class Locked(NamedTuple):
    """The lock to run in, for a Python of this machine, and the request with the versions that it decides."""

    lock: Lock
    python: Interpreter
    request: RunRequest


def read_locked(request: RunRequest) -> Locked:
    """The lock that a request names.

    It is bound to the Python of this machine that is nearest to its own: the same build, else the same minor version.
    Raises RequestError where the lock is none of a conversion, or where the request decides packages as well;
    MachineryError where this machine has no such Python.
    """
    assert request.lock is not None
    if request.matrix is not None:
        raise RequestError(f"--lock {request.lock}: it runs cases of one combination, no matrix\nhint: give --model")
    if given := [name for name in _DECIDED if request.axes.get(name)]:
        raise RequestError(f"--lock {request.lock}: the lock decides the packages\nhint: leave out the axis {given[0]}")
    found = find_interpreters(request.store)
    asked = request.axes.get("python") or []
    named = choose(asked[0], found) if asked else None
    lock = read_any_lock(request.lock, named.build if named is not None else None)
    same = [python for python in found if python.build == lock.python]
    python = named or (same[0] if same else choose(lock.python.minor, found))
    for package in ("tensorflow", "tensorflowjs"):
        if package not in lock.packages:
            raise RequestError(f"--lock {request.lock}: it holds no {package}, so that nothing can be converted in it")
    versions = {name: [lock.packages[name]] for name in ("tensorflow", "tensorflowjs")}
    axes = {**request.axes, **versions, "python": [python.version]}
    return Locked(bound_to(lock, python.build), python, replace(request, axes=axes))


def plan_in_lock(matrix: Matrix, request: RunRequest, context: Context) -> Plan:
    """The cases of a matrix, each in the one lock that a request names. Raises as ``expand_from_index`` does."""
    locked = read_locked(request)
    bases = dict.fromkeys(matrix.models, Path.cwd())
    whole = expand_from_index(matrix, bases, find_interpreters(context.store), context)
    requested = only(whole, locked.request.only)
    planned = tuple(
        Planned(case, locked.python, locked.lock, process_variables(case.combination.process_env, matrix.process_env))
        for case in requested.cases
    )
    return Plan(matrix, planned, requested.left_out, order=tuple(case.id for case in whole.cases))
