"""Changed cases grouped by what became of them and why, with the packages that changed in them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.comparison import Change, Comparison, Kind

_NEWS = tuple(kind for kind in Kind if kind is not Kind.SAME)
_Key = tuple[str, str | None, str | None]


class PackageChange(msgspec.Struct, frozen=True):
    """A package that changed alike in ``cases`` cases of a group; in ``unaffected`` cases that stayed the same it did
    too. It is a lead, no proof: ``tfjs-compat explain`` proves a culprit."""

    name: str
    old: str | None
    new: str | None
    cases: int
    unaffected: int


class ChangeGroup(msgspec.Struct, frozen=True):
    """Cases of one kind with one root cause: a known issue, a signature, a message; empty where nothing failed.

    ``packages``: what changed in them, first what changed in most of them and in the fewest that stayed the same.
    """

    kind: Kind
    cause: str
    changes: tuple[Change, ...]
    packages: tuple[PackageChange, ...]

    @property
    def leads(self) -> tuple[PackageChange, ...]:
        """The packages that changed in every case of the group and in none that stayed the same."""
        return tuple(each for each in self.packages if each.cases == len(self.changes) and not each.unaffected)


def groups(comparison: Comparison, kinds: Iterable[Kind] = _NEWS) -> tuple[ChangeGroup, ...]:
    """The changes of these kinds in groups, by kind in the order of ``Kind``, then the largest group first."""
    unaffected: Counter[_Key] = Counter(
        (name, *versions)
        for change in comparison.of((Kind.SAME, Kind.NUMBERS_DRIFTED))
        for name, versions in change.packages.items()
    )
    found: dict[tuple[Kind, str], list[Change]] = {}
    for change in comparison.of(kinds):
        found.setdefault((change.kind, root_cause(change)), []).append(change)
    order = list(Kind)
    ranked = sorted(found.items(), key=lambda item: (order.index(item[0][0]), -len(item[1])))
    return tuple(ChangeGroup(*key, tuple(changes), _changed(changes, unaffected)) for key, changes in ranked)


def root_cause(change: Change) -> str:
    """Why the case failed after the change, or did before it where it no longer does."""
    if change.kind is Kind.NUMBERS_DRIFTED:
        return ""
    failing = change.before if change.kind in (Kind.FIXED, Kind.GONE) else change.after
    return cause_of(failing) if failing is not None else ""


def cause_of(case: CaseResult) -> str:
    """A known issue's id, else the signature, else the message; empty for what works."""
    if case.verdict is Verdict.WORKS:
        return ""
    named = None if case.verdict is Verdict.ERROR else case.issue or case.signature
    return named or case.message


def _changed(changes: Iterable[Change], unaffected: Counter[_Key]) -> tuple[PackageChange, ...]:
    times = Counter((name, *versions) for change in changes for name, versions in change.packages.items())
    found = [PackageChange(*key, number, unaffected[key]) for key, number in times.items()]
    return tuple(sorted(found, key=lambda each: (-each.cases, each.unaffected, each.name)))
