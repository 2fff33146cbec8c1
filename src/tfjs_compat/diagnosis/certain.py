"""Locks that are certain to run into a known issue, so that nobody has to run them."""

from __future__ import annotations

from collections.abc import Mapping

from tfjs_compat.diagnosis.catalogue import KnownIssue, catalogue
from tfjs_compat.matrix.versions import version_fits


def certain_issue(packages: Mapping[str, str], python: str) -> KnownIssue | None:
    """The first known issue of the catalogue that a lock certainly runs into, or None.

    ``packages`` are those of the lock (name → version), ``python`` is its full version.
    """
    given = {**packages, "python": python}
    for issue in catalogue().values():
        for versions in issue.certain_for:
            if versions_are_certain(versions, given):
                return issue
    return None


def versions_are_certain(versions: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Whether every range of ``versions`` (package → range) holds for the version in ``given`` (package → version)."""
    return all(name in given and version_fits(given[name], wanted) for name, wanted in versions.items())
