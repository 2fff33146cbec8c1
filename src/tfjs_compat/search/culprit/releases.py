"""The releases between two versions, and a trial with one of them. Pure but for the resolver that it is given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfjs_compat.engine.plan import Planned
from tfjs_compat.index.releases import Release
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest
from tfjs_compat.matrix.axes import RESOLVED, TODAY
from tfjs_compat.search.culprit.changes import lock_of

Resolve = Callable[[ResolveRequest], "Lock | Unresolved | str"]
"""The lock of a request, a proof that there is none, or what failed."""

_PINNED = ("tensorflow", "tensorflowjs")


def versions_between(good: str, bad: str, releases: Sequence[Release], as_of: str, python: str) -> tuple[str, ...]:
    """The versions from ``good`` to ``bad``, both included, in order; descending where the bad one is the older.

    Left out between them: what is yanked, pre-releases (unless an end is one), what was uploaded after ``as_of``, what
    has wheels but none for the Python (``3.11``).
    """
    ends = {Version(good), Version(bad)}
    low, high = min(ends), max(ends)
    pre = any(end.is_prerelease for end in ends)
    between = [
        version
        for release in releases
        if low < (version := Version(release.version)) < high
        and not release.yanked
        and (pre or not version.is_prerelease)
        and (as_of == TODAY or release.uploaded is None or release.uploaded <= as_of)
        and _has_wheel(release, python)
    ]
    ordered = [low, *sorted(between), high]
    if low == Version(bad):
        ordered.reverse()
    return (good, *map(str, ordered[1:-1]), bad)


def _has_wheel(release: Release, python: str) -> bool:
    minor = int(python.split(".")[1])
    if not release.python_tags:
        return True
    return any(
        # A wheel of the stable ABI for an older Python fits too; its name alone does not say whether it is one.
        tag in ("py3", "py2.py3") or (tag.startswith(("cp3", "py3")) and tag[3:].isdigit() and int(tag[3:]) <= minor)
        for tag in release.python_tags
    )


def upload_day(version: str | None, releases: Sequence[Release]) -> str | None:
    """The UTC day on which a version was uploaded, None where the index does not say."""
    try:
        wanted = Version(version or "")
    except InvalidVersion:
        return None
    return next((release.uploaded for release in releases if Version(release.version) == wanted), None)


def later_date(one: str, other: str) -> str:
    """The later of two values of the axis ``as_of``."""
    return TODAY if TODAY in (one, other) else max(one, other)


def pinned_trial(
    background: Planned, pins: Mapping[str, str], free: Collection[str], as_of: str, resolve: Resolve
) -> Planned:
    """The background with some packages at other versions, completed by the resolver.

    ``pins`` are those versions by package. All others keep the background's version where the resolver can, but for
    those in ``free``, which move with them. Where no such lock exists, the trial has none.
    """
    lock, combination = lock_of(background), background.case.combination
    fixed = {name: lock.packages[name] for name in _PINNED if name in lock.packages and name not in free} | dict(pins)
    request = ResolveRequest(
        requirements=(*(f"{name}=={version}" for name, version in fixed.items()), *_without(combination.extra, pins)),
        constraints=(),
        overrides=(
            *_without(combination.overrides, pins),
            *(f"{name}; python_version < '3'" for name in lock.stand_ins),
        ),
        stand_ins=lock.stand_ins,
        as_of=as_of,
        source_builds=lock.source_builds,
        python=background.python,
        preferences=tuple(
            f"{name}=={version}" for name, version in lock.packages.items() if name not in {*pins, *free}
        ),
    )
    # An axis of its own says it where the request has one, else a constraint.
    named = {
        name: version
        for name, version in pins.items()
        if name in _PINNED or (name == "keras" and combination.keras != RESOLVED)
    }
    others = tuple(f"{name}=={version}" for name, version in sorted(pins.items()) if name not in named)
    changed = msgspec.structs.replace(
        combination, constraints=(*_without(combination.constraints, pins), *others), **named
    )
    case = msgspec.structs.replace(background.case, combination=changed, expected=None)
    return msgspec.structs.replace(background, case=case, lock=resolve(request))


def _without(lines: Sequence[str], packages: Collection[str]) -> tuple[str, ...]:
    """The requirements that are not about any of the packages."""
    return tuple(line for line in lines if package_of(line) not in packages)


def package_of(line: str) -> str | None:
    """The canonical name of the package that a requirement is about, None for what is no requirement."""
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:
        return None
