"""Two runs of the same questions → what changed, for every case. Pure, exhaustive and closed: see ``Kind``."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import msgspec

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.locks.difference import difference
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.system.decoding import Reader

DRIFT = 10.0
"""The factor between two largest differences from which on they are a drift: rounding varies by less."""

DRIFT_FLOOR = 1e-6
"""Of the output's scale. Below it float32 rounds: over the zoo the median is 1e-7 (outcomes/parity.py)."""


class Kind(str, enum.Enum):
    """What became of one case between two runs. The members stand in the order in which reports show them.

    ``REGRESSED``: it ended better before, in the order works, converts, anything else. ``FIXED``: the reverse.
    Of cases that failed in both: ``FAILS_EARLIER`` and ``FAILS_LATER`` at another stage, ``OTHER_CAUSE`` at the same.
    ``NUMBERS_DRIFTED``: the same verdict, with predictions much nearer to Python's or much farther from them.
    ``FLAKY``: the same trial ended in two ways. ``UNKNOWN``: one of the two says nothing, because the machinery failed
    or the case was not run. ``NEW``, ``GONE``: the other run did not have it.
    """

    REGRESSED = "regressed"
    FAILS_EARLIER = "fails-earlier"
    OTHER_CAUSE = "other-cause"
    NUMBERS_DRIFTED = "numbers-drifted"
    FLAKY = "flaky"
    FAILS_LATER = "fails-later"
    FIXED = "fixed"
    NEW = "new"
    GONE = "gone"
    UNKNOWN = "unknown"
    SAME = "same"

    def __str__(self) -> str:
        return self.value


Versions = tuple[str | None, str | None]
"""Of one package in two locks: old and new; None where it is not installed."""


class Change(msgspec.Struct, frozen=True):
    """One case before and after. ``before`` is None for a new case, ``after`` for one that is gone or was not run.

    ``packages`` are those that differ between the two locks, as (old, new); None: not installed. ``conditions`` are
    other differences between the two trials: the model's content, Python, TensorFlow.js, its runtime.
    """

    case: str
    kind: Kind
    before: CaseResult | None
    after: CaseResult | None
    packages: dict[str, Versions] = {}
    conditions: dict[str, Versions] = {}

    @property
    def shown(self) -> CaseResult:
        """The newer of the two results."""
        found = self.after or self.before
        assert found is not None
        return found


class Comparison(msgspec.Struct, frozen=True):
    """Every case of two runs, in the order of the newer, those that are gone last.

    ``before`` and ``after`` are the times at which the runs started; ``machine`` is what differs between the machines.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    machine: dict[str, Versions] = {}

    def counts(self) -> dict[Kind, int]:
        """How many cases there are of each kind, zeros too."""
        return {kind: sum(change.kind is kind for change in self.changes) for kind in Kind}

    def of(self, kinds: Iterable[Kind]) -> tuple[Change, ...]:
        """The changes of these kinds, in the order of ``Kind``."""
        wanted = set(kinds)
        return tuple(change for kind in Kind if kind in wanted for change in self.changes if change.kind is kind)


CHANGE_READER, COMPARISON_READER = Reader[Change](Change), Reader[Comparison](Comparison)


def compare(before: Results, after: Results) -> Comparison:
    """What changed from one run to another, for every case of both."""
    old = {case.id: case for case in before.cases}
    new = {case.id: case for case in after.cases}
    until = min(before.until, after.until, key=lambda stage: stage.rank)
    changes = []
    for name in dict.fromkeys([*new, *old]):
        one, other = old.get(name), new.get(name)
        if one is None or other is None:
            changes.append(Change(name, _one_sided(before, after, is_new=one is None), one, other))
        else:
            packages = _packages(one, other, before.locks, after.locks)
            changes.append(Change(name, kind_of(one, other, until), one, other, packages, _conditions(one, other)))
    return Comparison(before.started, after.started, tuple(changes), _differing(before.machine, after.machine))


def kinds_named(texts: Iterable[str]) -> frozenset[Kind]:
    """The kinds that texts such as ``regressed,flaky`` name; ``none`` names none. Raises RequestError.

    >>> sorted(kinds_named(["regressed,other-cause"]))
    [<Kind.OTHER_CAUSE: 'other-cause'>, <Kind.REGRESSED: 'regressed'>]
    """
    names = [name.strip() for text in texts for name in text.split(",")]
    known = [*map(str, Kind), "none"]
    for name in names:
        if name not in known:
            raise RequestError(f"--fail-on: no kind of change is called '{name}'\nhint: {nearest(name, known)}")
    return frozenset(Kind(name) for name in names if name != "none")


def _one_sided(before: Results, after: Results, *, is_new: bool) -> Kind:
    """The kind of a case that one run lacks: a run that did not come to its end may only not have reached it."""
    if is_new:
        return Kind.NEW if before.complete else Kind.UNKNOWN
    return Kind.GONE if after.complete else Kind.UNKNOWN


def kind_of(before: CaseResult, after: CaseResult, until: Stage = Stage.PREDICT) -> Kind:
    """What became of a case that both runs have. What either did beyond the stage ``until`` does not count."""
    if after.flaky:
        return Kind.FLAKY
    if before.flaky:
        # It is known to end in several ways: only another one is news.
        kinds = {_kind(before.ended_as(attempt), after, until) for attempt in before.attempts}
        return Kind.FLAKY if Kind.SAME in kinds else min(kinds, key=list(Kind).index)
    return _kind(before, after, until)


def _kind(before: CaseResult, after: CaseResult, until: Stage) -> Kind:
    if Verdict.ERROR in (before.verdict, after.verdict):
        return Kind.UNKNOWN
    old, new = _level(before, until), _level(after, until)
    if new < old:
        return Kind.REGRESSED
    if new > old:
        # From wrong numbers to numbers that prove nothing: nobody knows whether they are right now.
        unproven = before.verdict is Verdict.MISMATCH and after.verdict is Verdict.CONVERTS
        return Kind.OTHER_CAUSE if unproven else Kind.FIXED
    if new == _FAILED and before.stage is not after.stage:
        return Kind.FAILS_EARLIER if after.stage.rank < before.stage.rank else Kind.FAILS_LATER
    if new == _FAILED and not _same_cause(before, after):
        return Kind.OTHER_CAUSE
    return Kind.NUMBERS_DRIFTED if until is Stage.PREDICT and _drifted(before.parity, after.parity) else Kind.SAME


_FAILED = 0


def _level(case: CaseResult, until: Stage) -> int:
    """How well a case ended, as far as ``until``."""
    if until is not Stage.PREDICT:
        return 1 if case.verdict is not Verdict.FAILS or case.stage.rank > until.rank else _FAILED
    return {Verdict.WORKS: 2, Verdict.CONVERTS: 1}.get(case.verdict, _FAILED)


def _same_cause(one: CaseResult, other: CaseResult) -> bool:
    """Whether two failures at one stage have one cause: one known issue, or one signature.

    The signature decides too where only one of them has a name: the catalogue grows between two runs.
    """
    if one.issue is not None and one.issue == other.issue:
        return True
    if one.signature is not None or other.signature is not None:
        return one.signature == other.signature
    return one.issue == other.issue and one.verdict is other.verdict


def _drifted(before: Parity | None, after: Parity | None) -> bool:
    if before is None or after is None:
        return False
    old, new = before.max_rel, after.max_rel
    if old is None or new is None:
        return old is not new
    low, high = sorted((old, new))
    return high > DRIFT_FLOOR and high >= DRIFT * low


def _packages(
    one: CaseResult, other: CaseResult, before: Mapping[str, dict[str, str]], after: Mapping[str, dict[str, str]]
) -> dict[str, Versions]:
    if one.lock is None or other.lock is None or one.lock == other.lock:
        return {}
    old, new = before.get(one.lock), after.get(other.lock)
    if old is None or new is None:
        # An older file: only the packages that a result names can be compared.
        old, new = _named(one), _named(other)
    return _differing(old, new)


def _named(case: CaseResult) -> dict[str, str]:
    return {name: version for name, version in case.resolved.items() if name != "python"}


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, Versions]:
    return {change.name: (change.old, change.new) for change in difference(old, new).changes}


def _conditions(one: CaseResult, other: CaseResult) -> dict[str, Versions]:
    """What differs beside the packages; what only one of the two got to know is no difference."""
    facts = {
        "model": (one.model_digest[:12], other.model_digest[:12]),
        "python": (one.resolved.get("python"), other.resolved.get("python")),
        "TensorFlow.js": (one.tfjs, other.tfjs),
        "runtime": (one.runtime, other.runtime),
    }
    return {name: values for name, values in facts.items() if all(values) and values[0] != values[1]}
