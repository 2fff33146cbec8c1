"""Case and expectation: what is to be run, and how the matrix says it ends."""

from __future__ import annotations

import functools
import hashlib

import msgspec

from tfjs_compat.matrix.axes import RESOLVED, Combination
from tfjs_compat.matrix.models import Model
from tfjs_compat.matrix.routes import Route
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.text import file_name


class Expectation(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a matrix says a case ends; a field that is None may have any value.

    ``keras`` is a version or pattern (``3.*``) for the Keras of the lock; ``reason`` and ``link`` are shown in reports.
    ``rule`` is its place among the matrix's ``[[expect]]``, from 0. Where it has ``expired`` (its date ``expires`` is
    past) it counts no more, and the case has to work.
    """

    verdict: Verdict | None = None
    stage: Stage | None = None
    issue: str | None = None
    keras: str | None = None
    reason: str = ""
    rule: int | None = None
    expires: str | None = None
    expired: bool = False
    link: str = ""

    @property
    def wanted(self) -> Verdict:
        """The verdict that it expects: a stage or an issue alone means a failure."""
        return self.verdict or (Verdict.FAILS if self.stage or self.issue else Verdict.WORKS)


class Case(msgspec.Struct, frozen=True):
    """A combination × a model × a route. ``expected`` is None where the matrix says nothing."""

    combination: Combination
    model: Model
    route: Route
    expected: Expectation | None = None

    @property
    def id(self) -> str:
        """Its key: readable, fit for a file name, and the same on every day and machine.

        Axes at their default are left out, lists count without order, a model counts by its name relative to the
        matrix: what it holds is its digest, which a result carries beside the key.
        """
        return _id(self.combination, self.model.key, self.model.name, self.route.name)


@functools.lru_cache(maxsize=1 << 15)
def _id(combination: Combination, model: str, name: str, route: str) -> str:
    identity = msgspec.json.encode([combination.key(), model, route])
    short = hashlib.sha256(identity).hexdigest()[:8]
    return f"{file_name(name, 40)}-{route}-{combination.slug()[:90]}-{short}"


def requested_versions(case: Case) -> dict[str, str]:
    """By package, the versions that a case requests by number: for a case without a lock instead of the resolved."""
    requested = case.combination
    versions = {
        "python": requested.python,
        "tensorflow": requested.tensorflow,
        "tensorflowjs": requested.tensorflowjs,
    }
    return versions if requested.keras == RESOLVED else {**versions, "keras": requested.keras}
