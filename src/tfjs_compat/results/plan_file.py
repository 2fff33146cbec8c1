"""OUTPUT/plan.json: what a run is to do, in order. Written before anything runs; a plan is a value."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.source import Source
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import read_regular, write_whole

PLAN = "plan.json"
PLAN_SCHEMA = 1


class PlannedCase(msgspec.Struct, frozen=True):
    """A case of a plan: what is to be run, and the lock it will run in, or why it has none.

    ``trial`` names its files below OUTPUT/cases; ``model_digest`` is the SHA-256 of the model's content; ``message``
    says why there is no ``lock``. ``requested`` is false where this run only keeps what an earlier run found.
    """

    id: str
    trial: str
    combination: Combination
    model: str
    model_digest: str
    route: str
    lock: str | None
    message: str = ""
    requested: bool = True
    expected: Expectation | None = None


class Cut(msgspec.Struct, frozen=True):
    """How a plan is cut into ``of`` shards: the number of the shard, from 1, of each case, in the order of the plan."""

    of: int
    shard_of: dict[str, int]

    def cases(self, number: int) -> tuple[str, ...]:
        """The ids of a shard's cases, in the order of the plan."""
        return tuple(name for name, shard in self.shard_of.items() if shard == number)


class PlanDocument(msgspec.Struct, frozen=True):
    """plan.json. ``matrix_digest`` is the SHA-256 of the matrix after the options replaced parts of it.

    Of a run of one shard, ``shard`` says which (``2/3``) and ``cut`` how the whole plan was cut.
    """

    schema: int
    tool: str
    started: str
    matrix: str
    matrix_digest: str
    until: Stage
    machine: dict[str, str]
    left_out: tuple[str, ...]
    cases: tuple[PlannedCase, ...]
    run: str = ""
    shard: str = ""
    cut: Cut | None = None
    source: Source | None = None
    permissions: Permissions = Permissions()


_PLANS = Reader[PlanDocument](PlanDocument)


def write_plan(plan: PlanDocument, output: Path) -> None:
    """Write OUTPUT/plan.json, whole or not at all. Raises MachineryError."""
    # Not lasting: after a loss of power a run begins anew.
    write_whole(output / PLAN, msgspec.json.encode(plan) + b"\n", lasting=False)


def read_plan(output: Path) -> PlanDocument | None:
    """The plan of an output folder, or None where there is none.

    Raises RequestError for one that cannot be read, is damaged, or was written by another tfjs-compat: what its journal
    holds is then not thrown away.
    """
    path = output / PLAN
    hint = f"hint: choose another --output, or remove {path} to begin anew"
    try:
        found = _PLANS.decode(read_regular(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}\n{hint}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestError(f"{path}: damaged, or written by another tfjs-compat\n{hint}") from None
    if found.schema != PLAN_SCHEMA:
        raise RequestError(f"{path}: key 'schema': is {found.schema}, this tfjs-compat reads {PLAN_SCHEMA}\n{hint}")
    return found
