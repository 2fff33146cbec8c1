"""Remove from the store what is broken, left over, or was not used for a while; what a run uses stays.

``RULES`` is the whole policy, but for environments and unpacked wheels, which ``environments.collect`` removes: an
environment when it was not used for as long as is said or is not whole, a wheel when no environment links to it.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from tfjs_compat.environments.collect import collect_environments, collect_wheels
from tfjs_compat.errors import MachineryError
from tfjs_compat.system.store import Store

_DAY = 86400.0
_JUST_USED = 60.0
"""Seconds for which what was just used is not unused: a run looks for a thing first and marks it as used then."""


class Rule(msgspec.Struct, frozen=True):
    """How long the entries of one folder of the store are kept.

    ``days`` since an entry was last written or used; None: as many as the user says. ``held_by``: what a run that uses
    an entry holds, a lock on the file itself, on ``.lock`` in the folder or on ``.owner`` beside it; None where a
    reader finds an entry whole or not at all, and does without it in the second case. ``why`` is for the reader.
    """

    folder: str
    days: float | None
    why: str
    held_by: Literal["itself", ".lock", ".owner"] | None = None


RULES = (
    Rule("outcomes", None, "read again by every run that has the same case; the time is that of the last reading"),
    Rule("cache-keys", None, "say why an outcome is not kept; written with it"),
    Rule(
        "resolved", None, "answers of the resolver; one of a date holds for good, and its time is that of its last use"
    ),
    Rule("interpreters", None, "which Pythons there are; found again in a second. Older versions kept folders here"),
    Rule("programs", None, "what an executable said of itself; found again in a second"),
    Rule("code", None, "digests of this package's code; made again in a second"),
    Rule("index", 1, "releases of a package, out of date after ten minutes"),
    Rule("conversions", None, "output of conversions, so that the same one can go on from it", held_by=".lock"),
    Rule("granted", None, "what runs allowed their models; else `explain` and `reduce` ask for options"),
    Rule("received", None, "files of models that came to this machine with a task; they come again"),
    Rule(
        "scratch",
        1,
        "folders of children that run; what nobody holds was left by a kill",
        held_by=".owner",
    ),
    Rule("locked", 1, "locks that nobody holds; the age is that of the file", held_by="itself"),
)
"""Kept for good: ``tfjs``, ``keras``, ``virtualenv`` and ``durations.jsonl`` (small, few, or only had by network).
A folder that is not named here is none of ours."""

_LEFTOVERS = (("environments", ".removing-*"), ("wheels", ".removing-*"), ("outcomes", ".removing-*"))
"""What a removal that was killed has left: moved aside, so nobody uses it."""


class Collected(msgspec.Struct, frozen=True):
    """What was removed: the ids of environments, and for each other folder of the store how many entries."""

    environments: tuple[str, ...]
    entries: dict[str, int]


def collect_garbage(store: Store, *, unused_days: float, now: Callable[[], float] = time.time) -> Collected:
    """Remove what is half-made, what lost its interpreter, and what was not used for that many days.

    ``now`` is the time in seconds since the epoch. Raises MachineryError where the store cannot be written to.
    """
    if store.read_only:
        raise MachineryError(f"the store {store.root} cannot be written to, so nothing can be removed from it")
    started = now()

    def horizon(days: float | None) -> float:
        return started - max((unused_days if days is None else days) * _DAY, _JUST_USED)

    environments = collect_environments(store, horizon(None))
    entries = {"wheels": len(collect_wheels(store))}
    for folder, pattern in _LEFTOVERS:
        for path in (store.root / folder).glob(pattern):
            shutil.rmtree(path, ignore_errors=True)
    for rule in RULES:
        # What a whole write or a copy has left half-made when it was killed begins with a dot.
        for path in _entries(store.root / rule.folder):
            days = min(1.0, rule.days or 1.0) if path.name.startswith(".") else rule.days
            if _collect(path, rule, horizon(days)):
                entries[rule.folder] = entries.get(rule.folder, 0) + 1
    return Collected(tuple(environments), {folder: count for folder, count in entries.items() if count})


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _collect(path: Path, rule: Rule, horizon: float) -> bool:
    """Remove an entry if it was not used since ``horizon`` and nobody holds it; whether it is gone."""
    if _last_used(path, deep=rule.folder == "scratch") > horizon:
        return False
    if rule.held_by is None:
        return _remove(path, horizon)
    if rule.held_by == ".owner":
        lock = path if path.suffix == ".owner" else path.with_name(f"{path.name}.owner")
    else:
        lock = path if rule.held_by == "itself" else path / rule.held_by
    with _unless_held(lock) as free:
        if free and path.is_file():
            # Who waits for it meanwhile sees that the file is gone and makes a new one.
            with contextlib.suppress(OSError):
                path.unlink()
                return True
        return free and path.is_dir() and _remove(path, None)


@contextlib.contextmanager
def _unless_held(lock: Path) -> Iterator[bool]:
    """Hold a lock, or give False where somebody does, or where it cannot be had."""
    if not lock.exists():
        yield True
        return
    held = FileLock(lock, timeout=0)
    try:
        held.acquire()
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        held.release()


def _remove(path: Path, horizon: float | None) -> bool:
    """Remove a file or a folder; not one that was used since it was looked at."""
    aside = path.with_name(f".removing-{path.name}")
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return True
        # A reader that was just about to use it may have touched it between the look and this.
        path.rename(aside)
        if horizon is not None and _last_used(aside) > horizon:
            aside.rename(path)
            return False
    except OSError:
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _last_used(path: Path, *, deep: bool = False) -> float:
    """The time of an entry; ``deep``: of the newest thing in it, for a folder in which children write."""
    times = [_time(path)]
    if deep and path.is_dir():
        times += [_time(below) for below in path.rglob("*")]
    return max(times)


def _time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
