"""A plan on disk that several machines run parts of: its cases, their locks, and which shard each belongs to.

Who runs a shard from it asks no package index and resolves nothing: all shards have the same locks, whatever was
released meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.plan_document import document, matrix_digest
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.locks.lock import Lock, Unresolved, read_lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import LeftOut
from tfjs_compat.matrix.models import Model, find_model
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.results.plan_file import PLAN_SCHEMA, PlanDocument, PlannedCase
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import read_regular, write_whole

SHARED_PLAN = "shared-plan.json"


class SharedPlan(msgspec.Struct, frozen=True):
    """``plan`` with its cut, the locks by id, and by case id why there is none (``conflicts``)."""

    schema: int
    plan: PlanDocument
    locks: dict[str, Lock]
    conflicts: dict[str, Unresolved]
    left_out: tuple[LeftOut, ...]


_PLANS = Reader[SharedPlan](SharedPlan)


def write_shared_plan(plan: Plan, started: str, output: Path) -> Path:
    """Write OUTPUT/shared-plan.json: a whole plan that is cut. Gives the file's path.

    ``started`` is an ISO time in UTC. Raises MachineryError: on a full disk, and where a case has no answer because of
    a fault, which would become every shard's.
    """
    for planned in plan.cases:
        if isinstance(planned.lock, str):
            raise MachineryError(f"{planned.case.id}: {planned.lock}\nhint: nothing was written; run it again")
    found = SharedPlan(
        schema=PLAN_SCHEMA,
        plan=document(plan, plan.matrix.until, started, None),
        locks=plan.locks(),
        conflicts={case.case.id: case.lock for case in plan.cases if isinstance(case.lock, Unresolved)},
        left_out=plan.left_out,
    )
    path = output / SHARED_PLAN
    write_whole(path, msgspec.json.encode(found) + b"\n")
    return path


def read_shared_plan(path: Path) -> SharedPlan:
    """The shared plan in a folder, or that file. Raises RequestError."""
    file = path / SHARED_PLAN if path.is_dir() else path
    hint = "hint: `tfjs-compat plan MATRIX --shards N --output DIR` writes one"
    try:
        found = _PLANS.decode(read_regular(file))
    except OSError as error:
        raise RequestError(f"--plan {file}: cannot be read: {error.strerror or error}\n{hint}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"--plan {file}: damaged, or no shared plan: {error}\n{hint}") from None
    if found.schema != PLAN_SCHEMA:
        raise RequestError(f"--plan {file}: key 'schema': is {found.schema}, this tfjs-compat reads {PLAN_SCHEMA}")
    for id, lock in found.locks.items():
        _check_lock(id, lock, file)
    return found


def _check_lock(id: str, lock: Lock, file: Path) -> None:
    """See that a lock is what its id says: it stands for the environments and outcomes that are kept under it."""
    try:
        whole = read_lock(lock.text) == lock and lock.id == id
    except RequestError:
        whole = False
    if not whole:
        raise RequestError(f"--plan {file}: key 'locks.{id}': it was changed since it was written")


def plan_again(
    shared: SharedPlan,
    matrix: Matrix,
    bases: Mapping[str, Path],
    found: Sequence[Interpreter],
    go_on: Callable[[], None] = lambda: None,
) -> Plan:
    """The plan that was shared, on this machine: with its models and Pythons.

    ``go_on`` is called while models are read, and may raise to end that.
    Raises RequestError where the matrix or a model is another one here, MachineryError where a Python is.
    """
    if matrix_digest(matrix) != shared.plan.matrix_digest:
        raise RequestError(
            "--plan: it was made from another matrix, or with other options\n"
            "hint: give `run` the same matrix and options as `plan`; cases left away by --only are in no shard"
        )
    models: dict[str, Model] = {}
    cases = tuple(_planned(planned, shared, matrix, bases, found, models, go_on) for planned in shared.plan.cases)
    order = tuple(planned.case.id for planned in cases)
    return Plan(matrix, cases, shared.left_out, order=order, cut=shared.plan.cut)


def _planned(
    planned: PlannedCase,
    shared: SharedPlan,
    matrix: Matrix,
    bases: Mapping[str, Path],
    found: Sequence[Interpreter],
    models: dict[str, Model],
    go_on: Callable[[], None],
) -> Planned:
    ref = planned.model
    if ref not in models:
        models[ref] = find_model(ref, bases.get(ref, Path.cwd()), go_on)
        if models[ref].digest != planned.model_digest:
            raise RequestError(f"--plan: model '{ref}' holds something else here than where the plan was made")
    combination = planned.combination
    case = Case(combination, models[ref], find_route(planned.route), planned.expected)
    lock: Lock | Unresolved | None = shared.locks.get(planned.lock or "") or shared.conflicts.get(planned.id)
    if lock is None or case.id != planned.id:
        raise RequestError(f"--plan: damaged, or written by another tfjs-compat: case {planned.id}")
    python = choose(combination.python, found)
    if isinstance(lock, Lock) and lock.python != python.build:
        raise MachineryError(
            f"{planned.id}: its lock is for {lock.python.tag}, and Python {combination.python} is {python.tag} here\n"
            "hint: give every machine the same Pythons, or let each plan for itself: leave --plan out"
        )
    return Planned(case, python, lock, process_variables(combination.process_env, matrix.process_env))
