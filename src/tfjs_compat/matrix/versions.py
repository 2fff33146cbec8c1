"""What a version in a matrix means: an exact release, the newest one, or the latest patch of each minor in a range."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tfjs_compat.errors import RequestError
from tfjs_compat.index.releases import Release

NEWEST = "newest"
_OPERATORS = "<>=!~,*"


def is_range(text: str) -> bool:
    """True for what stands for several releases: ``>=2.15,<2.18``, ``2.16.*``, ``newest``."""
    return text == NEWEST or any(sign in text for sign in _OPERATORS)


def check_syntax(text: str) -> str | None:
    """Why a text is neither a version nor a range, or None where it is one."""
    try:
        if text == NEWEST:
            return None
        if is_range(text):
            _all_versions(_specifiers(text))
        else:
            Version(text)
    except ValueError:  # InvalidSpecifier, InvalidVersion, and what int() says to thousands of digits
        return f"'{text}' is neither a version ('2.16.1') nor a range ('>=2.15,<2.18', '2.16.*', 'newest')"
    return None


def version_fits(value: str, pattern: str) -> bool:
    """Whether a version is what a pattern (``3.2.1``, ``3.*``, ``>=3.3``) says; False for what is no version."""
    try:
        wanted = SpecifierSet(f"=={pattern}" if pattern[:1].isdigit() else pattern)
        return wanted.contains(Version(value), prereleases=True)
    except ValueError:
        return fnmatch.fnmatchcase(value, pattern)


def choose_versions(package: str, text: str, releases: Sequence[Release], as_of: str | None = None) -> list[Release]:
    """The releases that ``text`` means, oldest first.

    A range gives the latest patch of each minor in it; yanked releases and pre-releases are left out unless the text
    names one (``>=2.17rc0``). ``as_of``, an ISO date, leaves out of a range what did not exist then; an exact
    version is kept: that it did not exist then is what the resolver will say. Raises RequestError, with the nearest
    releases as a hint, where no release is meant.
    """
    known = {Version(release.version): release for release in releases}
    if not is_range(text):
        version = Version(text)
        if version not in known:
            raise RequestError(f"{package}: there is no release '{text}'\nhint: {_near(text, known)}")
        return [known[version]]
    wanted = _specifiers("" if text == NEWEST else text)
    pre = any(version.is_prerelease for version in _all_versions(wanted))
    best: dict[tuple[int, ...], Version] = {}
    for version, release in sorted(known.items()):
        late = as_of is not None and release.uploaded is not None and release.uploaded > as_of
        if not release.yanked and not late and wanted.contains(version, prereleases=pre):
            best[version.release[:2]] = version
    if not best:
        when = f" published by {as_of}" if as_of else ""
        raise RequestError(f"{package}: no release{when} is in '{text}'\nhint: {_newest(known)}")
    chosen = sorted(best.values())[-1:] if text == NEWEST else sorted(best.values())
    return [known[version] for version in chosen]


def _specifiers(text: str) -> SpecifierSet:
    bare = text.strip()
    return SpecifierSet(f"=={bare}" if bare[:1].isdigit() else bare)


def _all_versions(wanted: SpecifierSet) -> list[Version]:
    """The versions that a range is bounded by. Raises InvalidVersion (``===`` takes any text)."""
    return [Version(specifier.version.removesuffix(".*")) for specifier in wanted]


def _near(text: str, known: dict[Version, Release]) -> str:
    wanted = Version(text)
    kin = [version for version in known if version.release[:2] == wanted.release[:2]]
    if kin and len(wanted.release) <= 2:
        return f"did you mean '{max(kin)}'? '{text}.*' means the latest of its patches"
    if kin:
        return f"the last of that minor are {', '.join(map(str, sorted(kin)[-4:]))}"
    stable = sorted(version for version, release in known.items() if not version.is_prerelease and not release.yanked)
    below, above = (
        [version for version in stable if version < wanted],
        [version for version in stable if version > wanted],
    )
    if not above:
        return _newest(known)
    if not below:
        return f"the oldest is {above[0]}, the newest {stable[-1]}"
    return f"the nearest are {below[-1]} and {above[0]}, the newest is {stable[-1]}"


def _newest(known: dict[Version, Release]) -> str:
    stable = [version for version in sorted(known) if not version.is_prerelease and not known[version].yanked]
    return f"the newest is {stable[-1]}" if stable else "the index lists no stable release"


def admits(specifiers: str, version: str) -> bool:
    """Whether a version is in a range; every version is in an empty one."""
    return SpecifierSet(specifiers).contains(Version(version), prereleases=True)
