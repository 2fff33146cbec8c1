"""The catalogue of known issues: TOML files beside this module, a file for each family, and the matcher.

What may help against an unknown failure is in unknown_failures.toml.

A new issue is an ``[[issue]]`` table in the file of its family and a row of tests; CONTRIBUTING.md says how.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import tomli

from tfjs_compat.matrix.versions import version_fits
from tfjs_compat.outcomes.failures import Failure, Family
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.decoding import Reader

NUMBERS_DIFFER = "numbers-differ"
"""The issue of every mismatch: it says what happened, and nothing about the cause."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to recognise an issue: all its fields that are not empty must hold.

    ``type`` and ``message`` are regular expressions on one exception of the chain, ``raised_in`` is a prefix of a
    module that the exception came through. ``text`` is a regular expression on the message of the failure and the end
    of the log. ``packages`` must all be in the resolver's conflict. ``finding`` is the id of a finding of severity
    ``error``. ``lacks`` is a family of operations that the graph has and no release of TensorFlow.js. ``versions``
    maps packages to ranges (``tensorflow = ">=2.16"``) that must hold for the versions of the lock, or where there is
    no lock for those that the case requests.
    """

    type: str = ""
    message: str = ""
    raised_in: str = ""
    text: str = ""
    packages: tuple[str, ...] = ()
    finding: str = ""
    lacks: Family | None = None
    versions: dict[str, str] = {}


class Remedy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change to a case that should cure an issue, by the names of the matrix.

    ``title`` is an imperative, without a full stop. ``tensorflow``, ``tensorflowjs`` and ``keras`` are versions or
    ranges, of which the newest version is taken; ``python`` is ``auto``: the Python that suits TensorFlow. In
    ``constraints``, ``extra``, ``overrides`` and ``stand_ins``, ``{minor}`` stands for TensorFlow's minor version
    (``2.16``). ``route`` is another base route, ``variant`` what the route does besides (matrix.routes.VARIANTS,
    several joined by ``+``). ``when`` maps packages to the ranges that the lock must have for the remedy to apply;
    ``where`` is a regular expression that the message must match. A remedy with a title alone is for a person to do.
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

    @property
    def for_a_person(self) -> bool:
        """Whether nothing in it is a change that a search can make."""
        return self == Remedy(self.title, when=self.when, where=self.where)


class KnownIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogued cause of failures and mismatches.

    ``match`` says how to recognise it at one of ``stages``, ``explanation`` what it is (two sentences), ``links`` where
    upstream tracks it. ``remedies`` should cure it, those that change least first. ``often_followed_by`` are the issues
    that usually show once this one is cured. ``show_message``: reports show the message of a case too, for it names the
    operation, layer or package. ``certain_for`` are sets of package → range: a lock that fits one of them certainly
    runs into the issue. ``independent_of`` says what cannot change it, so that no search looks there:
    ``tensorflow``: no release of TensorFlow, only the other generation of Keras might; ``versions``: no release of
    anything, for it is in the model itself. ``subject`` finds in the message what the failure is about, as the first
    group of each match: two cases with a subject in common failed by the same. ``blames`` finds in the exceptions what
    caused it, where the message does not say: its first group is added to the message. ``permitted_by``: the model was
    not allowed to do it, and this option allows it.
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
    independent_of: Literal["nothing", "tensorflow", "versions"] = "nothing"
    subject: str = ""
    blames: str = ""
    permitted_by: str = ""

    @property
    def for_a_person(self) -> bool:
        """Whether nothing but another model cures it: no version does, and no remedy is a change to a case."""
        return self.independent_of == "versions" and all(remedy.for_a_person for remedy in self.remedies)


class UnknownFailures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may help against a failure at one of ``stages`` that no known issue explains, least change first."""

    stages: tuple[Stage, ...]
    remedies: tuple[Remedy, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issue: tuple[KnownIssue, ...]


_FILES = Reader[_File](_File)
_UNKNOWN = Reader[UnknownFailures](UnknownFailures)


@functools.cache
def catalogue() -> Mapping[str, KnownIssue]:
    """All known issues by id, in the order of the files and of the entries in them.

    Raises ValueError or msgspec.ValidationError for a file that is not as the structs here say.
    """
    issues: dict[str, KnownIssue] = {}
    for path in sorted((Path(__file__).parent / "known_issues").glob("*.toml")):
        for issue in _FILES.convert(tomli.loads(path.read_text("utf-8"))).issue:
            if issue.id in issues:
                raise ValueError(f"{path.name}: issue '{issue.id}' is there twice")
            issues[issue.id] = issue
    return issues


@functools.cache
def unknown_failures() -> UnknownFailures:
    """What may help where nothing is known. Raises as ``catalogue`` does."""
    path = Path(__file__).parent / "unknown_failures.toml"
    return _UNKNOWN.convert(tomli.loads(path.read_text("utf-8")))


def recognise(failure: Failure, resolved: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the known issues that a failure shows, in the order of the catalogue; empty where none is known.

    ``resolved`` maps packages to the versions of the lock, or to those that the case requests where there is none.
    """
    return tuple(
        issue.id
        for issue in catalogue().values()
        if failure.stage in issue.stages and any(_holds(pattern, failure, resolved) for pattern in issue.match)
    )


def _holds(pattern: Pattern, failure: Failure, resolved: Mapping[str, str]) -> bool:
    if not all(name in resolved and version_fits(resolved[name], wanted) for name, wanted in pattern.versions.items()):
        return False
    if pattern.packages and not set(pattern.packages) <= set(failure.packages):
        return False
    if pattern.finding and pattern.finding not in {
        finding.id for finding in failure.findings if finding.severity == "error"
    }:
        return False
    if pattern.lacks is not None and pattern.lacks not in {lacking.family for lacking in failure.lacking}:
        return False
    if pattern.text and not _found(pattern.text, [failure.message, failure.text]):
        return False
    if pattern.type or pattern.message or pattern.raised_in:
        return any(
            _found(pattern.type, [raised.type])
            and _found(pattern.message, [raised.message])
            and (not pattern.raised_in or any(module.startswith(pattern.raised_in) for module in raised.through))
            for raised in failure.chain
        )
    return bool(pattern.text or pattern.packages or pattern.finding or pattern.lacks)


def _found(expression: str, texts: Iterable[str]) -> bool:
    return not expression or any(re.search(expression, text, re.MULTILINE) for text in texts)
