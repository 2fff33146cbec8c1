"""Combination, case, expectation: the values that the rest of the tool passes around."""

from __future__ import annotations

import hashlib
import re

import msgspec

from tfjs_compat.matrix.models import Model
from tfjs_compat.outcomes.stages import Stage, Verdict

TODAY = "today"
RESOLVED = "resolved"
DEFAULT = "default"


class Combination(msgspec.Struct, frozen=True, omit_defaults=False):
    """One choice on every axis of the environment, as it was asked for (versions are exact by now).

    ``stand_ins`` are packages that are left out, with an empty module in their place, for what imports them and does
    not use them. ``keras`` is ``resolved`` where the resolver decides, ``as_of`` an ISO date or ``today``,
    ``process_env`` the name of a set of variables, ``tfjs_runtime`` the TensorFlow.js that loads the result
    (``default``: the newest known release, ``converter``: the one with the converter's version number).
    """

    python: str
    tensorflow: str
    tensorflowjs: str
    keras: str = RESOLVED
    extra: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    as_of: str = TODAY
    process_env: str = DEFAULT
    tfjs_runtime: str = DEFAULT

    def slug(self) -> str:
        """A short readable name, not unique."""
        parts = [f"tf{self.tensorflow}", f"tfjs{self.tensorflowjs}", f"py{self.python}"]
        if self.keras != RESOLVED:
            parts.append(f"keras{self.keras}")
        parts += [safe(text) for text in (*self.extra, *self.constraints, *self.overrides)]
        parts += [f"no-{safe(name)}" for name in self.stand_ins]
        parts += [one for one in (self.as_of, self.process_env) if one not in (TODAY, DEFAULT)]
        if self.tfjs_runtime != DEFAULT:
            parts.append(f"js{self.tfjs_runtime}")
        return "-".join(parts)


class Expectation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a matrix says a case comes to; what is None is not said. ``reason`` is for the reader."""

    verdict: Verdict | None = None
    stage: Stage | None = None
    issue: str | None = None
    keras: str | None = None
    reason: str = ""


class Case(msgspec.Struct, frozen=True):
    """A combination × a model × a route: the unit of result. ``expected`` is None where the matrix says nothing."""

    combination: Combination
    model: Model
    route: str
    expected: Expectation | None = None

    @property
    def id(self) -> str:
        """Readable, unique within a run, fit for a file name, and the same for the same case in every run."""
        told = msgspec.json.encode([self.combination, self.model.ref, self.route])
        short = hashlib.sha256(told).hexdigest()[:6]
        return f"{safe(self.model.name)[:40]}-{self.route}-{self.combination.slug()[:90]}-{short}"


def requested_versions(case: Case) -> dict[str, str]:
    """The versions that a case asks for by number, which stand in where no lock tells what they resolve to."""
    asked = case.combination
    versions = {"python": asked.python, "tensorflow": asked.tensorflow, "tensorflowjs": asked.tensorflowjs}
    return versions if asked.keras == RESOLVED else {**versions, "keras": asked.keras}


def safe(text: str) -> str:
    """A text made fit for a file name on any system."""
    return re.sub(r"[^A-Za-z0-9._+]+", "_", text).strip("_.") or "_"
