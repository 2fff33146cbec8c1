"""How suspect each change is, before anything is tried: what the failure, the catalogue and the versions say. Pure.

It decides how many trials a search takes, never what it finds.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Sequence

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfjs_compat.diagnosis.catalogue import KnownIssue, catalogue
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.dependencies import EndPackages, demands

_NAMED_BY_ISSUE, _MODULE_GONE, _NAMED, _IN_TRACEBACK, _ASKED_BY_IT = 400.0, 400.0, 60.0, 20.0, 3.0
_NOT_A_PACKAGE = 8.0
_STEPS = (4.0, 2.0, 1.0)
"""For another major version, minor version, patch: what a package may break in."""
_BOUND = 200.0
_FRAME = re.compile(r'^\s*File "[^"\n]*[/\\](?:site|dist)-packages[/\\]([^"\n]+?)", line \d+', re.M)
_MISSING = re.compile(r"No module named '([\w.]+)'")
_WORD = re.compile(r"[A-Za-z_][\w]*(?:[.-][A-Za-z_]\w*)*")
_MOST_TEXT = 4000


class Evidence(msgspec.Struct, frozen=True):
    """What is known of the bad end's failure.

    ``issues`` are the known issues that it shows, ``text`` its signature and message, ``through`` the modules of
    installed packages that its exception came through, outermost first.
    """

    issues: tuple[str, ...] = ()
    text: str = ""
    through: tuple[str, ...] = ()

    @classmethod
    def of(cls, bad: CaseResult, log: str = "") -> Evidence:
        """The evidence in a result and in the text of its log."""
        text = f"{bad.signature or ''}\n{bad.message}"[:_MOST_TEXT]
        return cls(bad.issues, text, traceback_modules(log))


def traceback_modules(log: str) -> tuple[str, ...]:
    """The modules of installed packages in the last traceback of a log, outermost first, each once.

    >>> traceback_modules("Traceback (most recent call last):\\n"
    ...                   '  File "/e/lib/python3.11/site-packages/tensorflow_hub/__init__.py", line 85, in f\\n')
    ('tensorflow_hub',)
    """
    last = log.rpartition("Traceback (most recent call last):")[2]
    paths = [match[1].replace("\\", "/").removesuffix(".py") for match in _FRAME.finditer(last)]
    return tuple(dict.fromkeys(path.removesuffix("/__init__").replace("/", ".") for path in paths))


def import_chain(evidence: Evidence, bad: EndPackages) -> tuple[str, ...]:
    """The packages that the exception came through, outermost first; last the module that was not there, if that was
    it. A package is named by its distribution."""
    owners = {module: name for name, there in bad.distributions.items() for module in there.modules}
    found = [
        owners.get(module.split(".")[0]) or owners.get(".".join(module.split(".")[:2])) for module in evidence.through
    ]
    chain = [name for name, _ in itertools.groupby(filter(None, found))]
    if missing := _MISSING.search(evidence.text):
        chain.append(missing[1])
    return tuple(chain)


def weights_of(changes: Sequence[Change], evidence: Evidence, good: EndPackages, bad: EndPackages) -> list[float]:
    """How suspect each change is, in one unit; at least 1."""
    named = {name for issue in _issues(evidence) for name in ranges_of(issue)}
    words = {word.lower() for word in _WORD.findall(evidence.text)}
    tops = {module.split(".")[0].lower() for module in evidence.through}
    raising = {name for name in _providers(good, bad) if _brings(name, tops, good, bad)}
    asked = {demand.of for end in (good, bad) for demand in demands(end) if demand.by in raising}
    variables = any(remedy.process_env for issue in _issues(evidence) for remedy in issue.remedies)

    def weight(change: Change) -> float:
        if change.kind != "package":
            return _NAMED_BY_ISSUE if change.kind == "process_env" and variables else _NOT_A_PACKAGE
        name = change.name
        gone = _modules(name, good) - _modules(name, bad)
        return sum(
            (
                step_weight(change.good, change.bad),
                _NAMED_BY_ISSUE * (name in named),
                _MODULE_GONE * bool(gone & words),
                _NAMED * bool({name, *_modules(name, bad)} & words),
                _IN_TRACEBACK * (name in raising),
                _ASKED_BY_IT * (name in asked),
            )
        )

    return [weight(change) for change in changes]


def release_weights(package: str, versions: Sequence[str], evidence: Evidence) -> list[float]:
    """For each of the versions but the first, how probable it is that something breaks with it.

    Another major version breaks more than a patch; a bound that the catalogue names for the failure most of all.
    """
    bounds = {bound for issue in _issues(evidence) for bound in ranges_of(issue).get(package, ())}

    def weight(before: str, after: str) -> float:
        crossed = any(_admits(bound, before) != _admits(bound, after) for bound in bounds)
        return step_weight(before, after) + _BOUND * crossed

    return [weight(before, after) for before, after in itertools.pairwise(versions)]


def step_weight(before: str | None, after: str | None) -> float:
    """By how much two versions differ, as a number: their first part that is not equal decides."""
    try:
        old, new = Version(before or ""), Version(after or "")
    except InvalidVersion:
        return _STEPS[0]
    parts = [(*version.release, 0, 0)[:2] for version in (old, new)]
    return next((step for step, one, other in zip(_STEPS, *parts, strict=False) if one != other), _STEPS[2])


def ranges_of(issue: KnownIssue) -> dict[str, set[str]]:
    """By package, the ranges that the catalogue names for an issue: of remedies, of what is certain to show it."""
    found: dict[str, set[str]] = {}

    def add(name: str, wanted: str) -> None:
        found.setdefault(canonicalize_name(name), set()).add(wanted)

    for remedy in issue.remedies:
        for line in (*remedy.constraints, *remedy.extra):
            with contextlib.suppress(InvalidRequirement):
                # A line may name TensorFlow's minor version, which is no bound.
                requirement = Requirement(line)
                add(requirement.name, str(requirement.specifier))
        for name in ("tensorflow", "tensorflowjs", "keras"):
            if wanted := getattr(remedy, name):
                add(name, wanted)
    for versions in (*issue.certain_for, *(pattern.versions for pattern in issue.match)):
        for name, wanted in versions.items():
            add(name, wanted)
    return found


def _issues(evidence: Evidence) -> Iterator[KnownIssue]:
    return (catalogue()[issue] for issue in evidence.issues if issue in catalogue())


def _admits(bound: str, version: str) -> bool:
    try:
        return SpecifierSet(f"=={bound}" if bound[:1].isdigit() else bound).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def _modules(name: str, end: EndPackages) -> frozenset[str]:
    there = end.distributions.get(name)
    return frozenset(module.lower() for module in there.modules) if there is not None else frozenset()


def _providers(good: EndPackages, bad: EndPackages) -> set[str]:
    return {*good.distributions, *bad.distributions}


def _brings(name: str, tops: set[str], good: EndPackages, bad: EndPackages) -> bool:
    return any(module.split(".")[0] in tops for end in (good, bad) for module in _modules(name, end))
