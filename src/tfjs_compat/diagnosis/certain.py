"""Known issues that the versions of a lock are certain to run into."""

from __future__ import annotations

from collections.abc import Mapping

from tfjs_compat.diagnosis.catalogue import KnownIssue, catalogue
from tfjs_compat.matrix.versions import version_fits


def certain_issue(packages: Mapping[str, str], python: str) -> KnownIssue | None:
    """The known issue that a lock of these packages (name → version) certainly runs into, or None."""
    given = {**packages, "python": python}
    for issue in catalogue().values():
        for versions in issue.certain_for:
            if versions_are_certain(versions, given):
                return issue
    return None


def versions_are_certain(versions: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Whether these packages (name → version) are all in the ranges with which an issue is certain."""
    return all(name in given and version_fits(given[name], wanted) for name, wanted in versions.items())
