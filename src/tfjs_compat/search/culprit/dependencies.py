"""Which changes can be made without which, by what the packages of both ends require of each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from packaging.markers import UndefinedEnvironmentName, default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from tfjs_compat.environments.distributions import Distribution
from tfjs_compat.search.culprit.changes import Change


class EndPackages(NamedTuple):
    """The distributions of an end by name, and the full version of its Python."""

    distributions: Mapping[str, Distribution]
    python: str


class Demand(NamedTuple):
    """A requirement that holds in an environment: who makes it, of which package, and which versions it admits."""

    by: str
    of: str
    admits: SpecifierSet


def demands(end: EndPackages) -> Iterator[Demand]:
    """Every requirement between the packages of an end whose marker holds there."""
    extras = _requested_extras(end)
    for name, distribution in end.distributions.items():
        for line in distribution.requires:
            requirement = _parsed(line)
            if requirement is not None and _holds(requirement, end.python, extras.get(name, frozenset())):
                yield Demand(name, canonicalize_name(requirement.name), requirement.specifier)


def _requested_extras(end: EndPackages) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for distribution in end.distributions.values():
        for line in distribution.requires:
            if (requirement := _parsed(line)) is not None and requirement.extras:
                name = canonicalize_name(requirement.name)
                found[name] = found.get(name, frozenset()) | requirement.extras
    return found


def _parsed(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _holds(requirement: Requirement, python: str, extras: Iterable[str]) -> bool:
    if requirement.marker is None:
        return True
    environment = {name: str(value) for name, value in default_environment().items()}
    environment |= {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    try:
        return any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *sorted(extras)))
    except UndefinedEnvironmentName:
        return False


class Dependencies:
    """Which changes come with which, so that every package has what it requires.

    A change of a package to its bad version needs the bad version of whatever else that version does not go with at its
    good one; and it needs a change of whatever requires, at its good version, something else of it. What the two ends
    themselves violate (an override, a package left out) binds nobody.
    """

    def __init__(self, changes: Sequence[Change], good: EndPackages, bad: EndPackages) -> None:
        self._order = {change: at for at, change in enumerate(changes)}
        self._by_name = {change.name: change for change in changes if change.kind == "package"}
        self._python = next((change for change in changes if change.kind == "python"), None)
        self._needs: dict[Change, set[Change]] = {change: set() for change in changes}
        self._add(bad, good, applied=True)
        self._add(good, bad, applied=False)

    def _add(self, end: EndPackages, other: EndPackages, *, applied: bool) -> None:
        for demand in demands(end):
            of = self._by_name.get(demand.of)
            if of is None or not _fits(demand, end) or _fits(demand, other):
                continue
            if (by := self._by_name.get(demand.by)) is not None:
                # The requirer at this end needs the required one at this end.
                first, second = (by, of) if applied else (of, by)
                self._needs[first].add(second)
        if self._python is None:
            return
        for name, change in self._by_name.items():
            there = end.distributions.get(name)
            if there is None or _runs_on(there, other.python) or not _runs_on(there, end.python):
                continue
            first, second = (change, self._python) if applied else (self._python, change)
            self._needs[first].add(second)

    def closure(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """The changes and all that has to come with them, in order."""
        found, waiting = set[Change](), list(changes)
        while waiting:
            change = waiting.pop()
            if change not in found:
                found.add(change)
                waiting += self._needs[change]
        return tuple(sorted(found, key=self._order.__getitem__))

    def groups(self) -> tuple[tuple[Change, ...], ...]:
        """The changes, those that can only move together as one, in order."""
        closures = {change: frozenset(self.closure([change])) for change in self._order}
        together: dict[frozenset[Change], list[Change]] = {}
        for change in self._order:
            together.setdefault(closures[change], []).append(change)
        return tuple(tuple(group) for group in together.values())


def _fits(demand: Demand, end: EndPackages) -> bool:
    there = end.distributions.get(demand.of)
    try:
        return there is not None and demand.admits.contains(there.version, prereleases=True)
    except InvalidVersion:
        return False


def _runs_on(distribution: Distribution, python: str) -> bool:
    try:
        return SpecifierSet(distribution.requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        return True
