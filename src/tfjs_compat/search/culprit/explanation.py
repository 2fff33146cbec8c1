"""What a culprit search came to, as values."""

from __future__ import annotations

import msgspec

from tfjs_compat.locks.difference import VersionChange
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.best_case import INTERRUPTED
from tfjs_compat.search.culprit.changes import Change, Kind


class Culprit(msgspec.Struct, frozen=True):
    """One thing that has to change for the outcome to turn; of several, all are needed together.

    ``good`` and ``bad`` are neighbouring versions where it was narrowed (None: not there). Packages that can only move
    together are one culprit: their names and versions are joined by ``+``. ``released`` is the UTC day on which the bad
    version was uploaded, where the index says it; ``between`` the releases between the two that could not be tested.
    """

    kind: Kind
    name: str
    good: str | None
    bad: str | None
    released: str | None = None
    between: int = 0


class Requirer(msgspec.Struct, frozen=True):
    """A package that requires the culprit: ``package`` with its ``version``, and the range it admits (empty: any)."""

    package: str
    version: str
    range: str


class Remedy(msgspec.Struct, frozen=True):
    """What avoids the culprit, and what came of it when it was run on the bad end.

    ``change`` is a constraint (``setuptools<82``) or a few words; ``works`` None where it was not run; ``message`` says
    what it came to where it does not work.
    """

    change: str
    works: bool | None
    message: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``explain`` and ``bisect``.

    - ``reproduced``: both ends showed what is claimed of them, else ``reason`` says what they did. ``signature`` and
      ``issue`` are the bad end's; ``good`` and ``bad`` are the results of the ends, ``changes`` all that differs.
    - ``minimal``: without any one of the culprits the outcome does not turn. ``unsure`` changes were made as well,
      because without them the case ends in yet another way: they are not known to be needed, and are not blamed.
      ``also`` differs between the last two locks besides the culprit. ``exact``: decided by locks that no resolver
      gives, because their packages require something else of each other.
    - ``trials`` were run and answered, ``kept`` of them by an earlier run; ``unknown`` candidates could not be decided;
      ``confidence`` is the probability of the place, as far as answers can be trusted; ``flaky``: one trial gave two
      answers. ``ended``: why the search stopped before its end.
    - ``days``: of a bisection of dates, the last that is good and the first that is bad, next to each other where
      nothing is unknown.
    - ``chain`` are the packages that the exception came through, ``requirers`` those that require the culprit,
      ``links`` pages by name. ``text`` is all of it for people, ``seconds`` wall time.
    """

    reproduced: bool
    reason: str = ""
    signature: str = ""
    issue: str | None = None
    culprits: tuple[Culprit, ...] = ()
    minimal: bool = False
    trials: int = 0
    kept: int = 0
    unknown: int = 0
    seconds: float = 0.0
    text: str = ""
    changes: tuple[Change, ...] = ()
    unsure: tuple[Change, ...] = ()
    also: tuple[VersionChange, ...] = ()
    exact: bool = False
    confidence: float = 1.0
    flaky: bool = False
    chain: tuple[str, ...] = ()
    requirers: tuple[Requirer, ...] = ()
    remedy: Remedy | None = None
    links: dict[str, str] = {}
    good: CaseResult | None = None
    bad: CaseResult | None = None
    ended: str | None = None
    days: tuple[str, str] | None = None

    @property
    def found(self) -> bool:
        """Whether there is a culprit."""
        return bool(self.culprits)

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self.ended == INTERRUPTED
