"""The catalogue of known issues: TOML files beside this module, one a family, and the matcher.

A new issue is an ``[[issue]]`` table in the file of its family and a test case; CONTRIBUTING.md says how.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import tomli
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.stages import Stage


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to recognise an issue; all that is given must hold.

    ``type`` and ``message`` are regular expressions on one exception of the chain, ``raised_in`` a prefix of a module
    the exception came through; ``text`` is searched for in the message and the end of the log; ``packages`` must all
    be in the resolver's conflict; ``finding`` is the id of a static finding; ``versions`` must hold for what the lock
    gave, or where there is none for what was asked (``tensorflow = ">=2.16"``).
    """

    type: str = ""
    message: str = ""
    raised_in: str = ""
    text: str = ""
    packages: tuple[str, ...] = ()
    finding: str = ""
    versions: dict[str, str] = {}


class Remedy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change to a case that should cure an issue, in the matrix's own words.

    ``tensorflow`` and ``tensorflowjs`` are versions or ranges (the newest in it is taken), ``python`` is ``auto`` (the
    one that suits TensorFlow), ``{minor}`` in a line stands for TensorFlow's minor version; ``route`` is another base
    route, ``variant`` something that the route does besides. ``when``: versions that the lock must have given for the
    remedy to make sense, ``where``: a regular expression that the message must match. One with a title alone is for a
    person to do.
    """

    title: str
    constraints: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    process_env: str = ""
    route: str = ""
    variant: str = ""
    python: str = ""
    tensorflow: str = ""
    tensorflowjs: str = ""
    keras: str = ""
    when: dict[str, str] = {}
    where: str = ""


class KnownIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogued cause: how to recognise it, what it is, where upstream tracks it, what should cure it.

    ``remedies``: those that change least stand first. ``often_followed_by``: the issues that usually show once this one is cured.
    ``show_message``: the message of a case says more (which operation, which layer).
    ``certain_for``: sets of versions of a lock's packages, each of which is certain to run into the issue.
    """

    id: str
    title: str
    stages: tuple[Stage, ...]
    explanation: str
    match: tuple[Pattern, ...] = ()
    links: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    often_followed_by: tuple[str, ...] = ()
    show_message: bool = False
    certain_for: tuple[dict[str, str], ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issue: tuple[KnownIssue, ...]


@functools.cache
def catalogue() -> Mapping[str, KnownIssue]:
    """All known issues by id, in the order of the files and of the entries in them."""
    issues: dict[str, KnownIssue] = {}
    for path in sorted((Path(__file__).parent / "known_issues").glob("*.toml")):
        for issue in msgspec.convert(tomli.loads(path.read_text("utf-8")), _File).issue:
            if issue.id in issues:
                raise ValueError(f"{path.name}: issue '{issue.id}' is there twice")
            issues[issue.id] = issue
    return issues


def recognise(failure: Failure, resolved: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the known issues that a failure shows, the show_message one first; empty where none is known.

    ``resolved`` holds the versions that the lock gave, or that were asked for where there is none. An issue is named
    only where all of a pattern holds.
    """
    return tuple(
        issue.id
        for issue in catalogue().values()
        if failure.stage in issue.stages and any(_holds(pattern, failure, resolved) for pattern in issue.match)
    )


def _holds(pattern: Pattern, failure: Failure, resolved: Mapping[str, str]) -> bool:
    if not all(_version_holds(resolved.get(name), wanted) for name, wanted in pattern.versions.items()):
        return False
    if pattern.packages and not set(pattern.packages) <= set(failure.packages):
        return False
    if pattern.finding and pattern.finding not in {one.id for one in failure.findings if one.severity == "error"}:
        return False
    if pattern.text and not _found(pattern.text, [failure.message, failure.text]):
        return False
    if pattern.type or pattern.message or pattern.raised_in:
        return any(
            _found(pattern.type, [one.type])
            and _found(pattern.message, [one.message])
            and (not pattern.raised_in or any(module.startswith(pattern.raised_in) for module in one.through))
            for one in failure.chain
        )
    return bool(pattern.text or pattern.packages or pattern.finding)


def _found(expression: str, texts: Iterable[str]) -> bool:
    return not expression or any(re.search(expression, text, re.MULTILINE) for text in texts)


def _version_holds(version: str | None, wanted: str) -> bool:
    if version is None:
        return False
    try:
        return SpecifierSet(wanted).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
