"""A plan as plan.json holds it."""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import trial_id
from tfjs_compat.results.machine import machine_facts
from tfjs_compat.results.plan_file import PLAN_SCHEMA, PlanDocument, PlannedCase
from tfjs_compat.version import __version__


def document(
    plan: Plan,
    until: Stage,
    started: str,
    before: PlanDocument | None,
    permissions: Permissions = Permissions(),
) -> PlanDocument:
    """The plan to write; ``started`` is an ISO time in UTC, ``permissions`` are those that it runs with.

    From the plan ``before`` in the same folder, cases of the same matrix that this run does not request are kept, so
    that a run of a part (``--only``) adds to what is there.
    """
    digest = matrix_digest(plan.matrix)
    known = {case.id: case for case in before.cases} if before is not None and before.matrix_digest == digest else {}
    planned = {case.case.id: _planned_case(case) for case in plan.cases}
    rest = {name: msgspec.structs.replace(case, requested=False) for name, case in known.items()}
    order = [name for name in plan.order or planned if name in planned or name in rest]
    return PlanDocument(
        schema=PLAN_SCHEMA,
        tool=__version__,
        started=started,
        matrix=plan.matrix.name,
        matrix_digest=digest,
        until=until,
        machine=machine_facts(),
        left_out=tuple(f"{left.what}: {left.why}" for left in plan.left_out),
        cases=tuple(planned.get(name) or rest[name] for name in order),
        run=secrets.token_hex(8),
        shard=plan.shard,
        cut=plan.cut,
        source=plan.source,
        permissions=permissions,
    )


def open_document(
    name: str, until: Stage, started: str, digest: str | None = None, permissions: Permissions = Permissions()
) -> PlanDocument:
    """The plan of a search, which plans as it goes: no cases.

    ``digest`` stands for what is searched, so that the same search goes on; by default it is random, and none does.
    """
    digest = digest or secrets.token_hex(32)
    return PlanDocument(
        PLAN_SCHEMA,
        __version__,
        started,
        name,
        digest,
        until,
        machine_facts(),
        (),
        (),
        secrets.token_hex(8),
        permissions=permissions,
    )


def matrix_digest(matrix: Matrix) -> str:
    """What identifies a matrix, options included: a SHA-256 of all it says."""
    return hashlib.sha256(msgspec.json.encode(matrix)).hexdigest()


def _planned_case(planned: Planned) -> PlannedCase:
    lock = planned.lock.id if isinstance(planned.lock, Lock) else None
    message = ""
    if not isinstance(planned.lock, Lock):
        message = planned.lock.message if isinstance(planned.lock, Unresolved) else planned.lock
    case = planned.case
    return PlannedCase(
        id=case.id,
        trial=trial_id(case.id, lock),
        combination=case.combination,
        model=case.model.ref,
        model_digest=case.model.digest,
        route=case.route.name,
        lock=lock,
        message=message,
        expected=case.expected,
    )
