"""The schema of a matrix file, as types."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tfjs_compat.matrix.axes import Axes, Match
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.stages import Stage, Verdict


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is added to every combination.

    ``stand_ins`` are packages to leave out, an empty module in the place of each; ``source_builds`` lets the installer
    build packages that have no wheel.
    """

    extra: list[str] = []
    constraints: list[str] = []
    overrides: list[str] = []
    stand_ins: list[str] = []
    source_builds: bool = False


class Include(Axes, frozen=True, forbid_unknown_fields=True):
    """One more block of cases: the axes, models and routes that it names replace the matrix's, the others stay."""

    models: list[str] | None = None
    routes: list[str] | None = None


class Expect(Match, frozen=True, forbid_unknown_fields=True):
    """How the cases that match end.

    ``resolved_keras``: the lock's Keras, a version or pattern (``3.2.1``, ``3.*``). From the date ``expires`` on the
    rule counts no more, as if nobody had written it. ``link`` is the page where the failure is tracked.
    """

    verdict: Verdict | None = None
    stage: Stage | None = None
    issue: str | None = None
    resolved_keras: str | None = None
    reason: str = ""
    expires: str | None = None
    link: str = ""


class LimitsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one case may use: ``seconds`` of wall time, ``memory`` in GiB (None: a share of the machine's), and GiB of
    ``disk`` in its folder."""

    seconds: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    memory: Annotated[float, msgspec.Meta(gt=0)] | None = None
    disk: Annotated[float, msgspec.Meta(gt=0)] = 20.0


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a matrix file says, its names and versions checked, nothing expanded."""

    name: str = "matrix"
    models: list[str] = []
    routes: list[str] = msgspec.field(default_factory=lambda: ["layers"])
    until: Stage = Stage.PREDICT
    axes: Axes = Axes()
    requirements: Requirements = Requirements()
    limits: LimitsTable = LimitsTable()
    permissions: Permissions = Permissions()
    process_env: dict[str, dict[str, str]] = {}
    include: list[Include] = []
    exclude: list[Match] = []
    expect: list[Expect] = []
