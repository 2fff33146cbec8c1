"""Which answers of the index decided a resolution by being empty or unreadable, and so have to be looked at. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from packaging.utils import canonicalize_name

LOG_FILTER = "uv_resolver=debug"
"""What uv's log has to tell (its variable RUST_LOG) for ``doubts`` to see what was passed over."""

_NO_VERSION = re.compile(r"No compatible version found for: ([\w.-]+)")
_UNREADABLE = re.compile(r"`([\w.-]+)==([^`\s]+)` has an? (?:invalid|inconsistent)")
_UNREADABLE_PAGE = re.compile(r"\b([\w.-]+) has an? (?:invalid|inconsistent)")
_CHOSEN = re.compile(r"Selecting: ([\w.-]+)==(\S+) \[\w+\] \((\S+)\)")
_NAMED = re.compile(r"\b([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*)\b")


class Doubts(msgspec.Struct, frozen=True):
    """``packages`` that had no fitting version, by canonical name, and ``files`` (package, name) that made no sense."""

    packages: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()

    def within(self, seen: Doubts) -> bool:
        """Whether all of it was looked at with ``seen``."""
        return set(self.packages) <= set(seen.packages) and set(self.files) <= set(seen.files)


def doubts(trail: Sequence[str], text: str = "") -> Doubts:
    """What a resolution rests on beyond what it read without complaint.

    ``trail`` is uv's log, ``text`` its explanation where it found no solution: every package that it names and that was
    searched for counts.

    >>> doubts(["DEBUG Selecting: a==2 [compatible] (a-2-py3-none-any.whl)",
    ...         "WARN `a==2` has an invalid package format: no zip", "DEBUG No compatible version found for: B_c"])
    Doubts(packages=('a', 'b-c'), files=(('a', 'a-2-py3-none-any.whl'),))
    """
    whole = "\n".join(trail)
    packages = {*_NO_VERSION.findall(whole), *_UNREADABLE_PAGE.findall(whole)}
    searched = set(
        re.findall(r"(?:Searching for a compatible version of|dependency:|dependency for \S+) ([\w.-]+)", whole)
    )
    packages |= searched & set(_NAMED.findall(text))
    chosen = {(name, version): file for name, version, file in _CHOSEN.findall(whole)}
    unreadable = {*_UNREADABLE.findall(whole)}
    files = {
        (canonicalize_name(name), chosen[name, version]) for name, version in unreadable if (name, version) in chosen
    }
    packages |= {name for name, _ in unreadable}
    # A release that does not run on the Python has no fitting version of "python", which is no package.
    names = {canonicalize_name(name) for name in packages} - {"python"}
    return Doubts(tuple(sorted(names)), tuple(sorted(files)))
