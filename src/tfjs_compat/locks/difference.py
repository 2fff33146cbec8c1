"""The difference of two locks, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class VersionChange(msgspec.Struct, frozen=True):
    """One package at two versions: ``old`` is None where it was added, ``new`` where it was removed, never both."""

    name: str
    old: str | None
    new: str | None


class Difference(msgspec.Struct, frozen=True):
    """What has to be done to one lock to get the other, each part sorted by name. Hashes are not compared."""

    added: tuple[VersionChange, ...] = ()
    removed: tuple[VersionChange, ...] = ()
    changed: tuple[VersionChange, ...] = ()

    @property
    def changes(self) -> tuple[VersionChange, ...]:
        """All of it, sorted by name."""
        return tuple(sorted((*self.added, *self.removed, *self.changed), key=lambda change: change.name))

    def apply(self, versions: Mapping[str, str]) -> dict[str, str]:
        """The versions after the changes, those that were there first in their order.

        Raises ValueError where the versions are not those that the difference starts from.

        >>> difference({"a": "1", "b": "1"}, {"b": "2", "c": "1"}).apply({"a": "1", "b": "1"})
        {'b': '2', 'c': '1'}
        """
        after = dict(versions)
        for change in self.changes:
            if after.get(change.name) != change.old:
                has = after.get(change.name, "not there")
                raise ValueError(f"{change.name} is {has}, and the difference starts from {change.old or 'none'}")
            if change.new is None:
                del after[change.name]
            else:
                after[change.name] = change.new
        return after


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> Difference:
    """What changed between two locks, each given as name → version (``Lock.packages``, ``reading.versions``).

    Versions are compared as texts: a resolver writes each in one way.
    """
    names = sorted({*old, *new})
    changes = [VersionChange(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
    return Difference(
        added=tuple(change for change in changes if change.old is None),
        removed=tuple(change for change in changes if change.new is None),
        changed=tuple(change for change in changes if change.old is not None and change.new is not None),
    )
