"""The packages that differ between two locks: of two cases, two lock files, or two runs case by case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.locks.difference import Difference, difference
from tfjs_compat.locks.reading import read_lock_file, versions
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.selection import find_case
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.report import results_of


class LockDifference(msgspec.Struct, frozen=True):
    """The difference of two locks, each named by its file, case or id.

    ``cases`` are the cases that have these two locks, where two runs are compared.
    """

    old: str
    new: str
    difference: Difference
    cases: tuple[str, ...] = ()


class _Named(msgspec.Struct, frozen=True):
    """A lock: its name, and the version of each package."""

    name: str
    packages: Mapping[str, str]


def diff_locks(old: str, new: str, output: Path, store: Store) -> tuple[LockDifference, ...]:
    """The differences between what two texts name: a lock file, a run (its folder or results.json), or a case.

    A case is one of the run in ``output``. Two runs are compared case by case; each pair of locks counts once. Raises
    RequestError for what is none of these, or for a run with several locks beside a single one.
    """
    before, after = _named(old, output, store), _named(new, output, store)
    if isinstance(before, _Named) and isinstance(after, _Named):
        return (LockDifference(before.name, after.name, difference(before.packages, after.packages)),)
    if isinstance(before, _Named) or isinstance(after, _Named):
        one, many = (before, after) if isinstance(before, _Named) else (after, before)
        assert isinstance(many, dict)
        distinct = {lock.name: lock for lock in many.values()}
        if len(distinct) != 1:
            raise RequestError(
                f"{new if one is before else old}: a run with {len(distinct)} locks, and the other side has one\n"
                "hint: name a case of it, or one of its files in locks/"
            )
        (only,) = distinct.values()
        pair = (one, only) if one is before else (only, one)
        assert isinstance(pair[0], _Named)
        assert isinstance(pair[1], _Named)
        return (LockDifference(pair[0].name, pair[1].name, difference(pair[0].packages, pair[1].packages)),)
    return _by_case(before, after)


def _by_case(before: Mapping[str, _Named], after: Mapping[str, _Named]) -> tuple[LockDifference, ...]:
    """The differences of two runs, cases by lock; those of one lock are left out."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for case in before:
        if case in after:
            pairs.setdefault((before[case].name, after[case].name), []).append(case)
    found = []
    for (one, other), cases in pairs.items():
        moved = difference(before[cases[0]].packages, after[cases[0]].packages)
        if moved.changes:
            found.append(LockDifference(one, other, moved, tuple(cases)))
    return tuple(found)


def _named(text: str, output: Path, store: Store) -> _Named | dict[str, _Named]:
    """One lock, or those of a run by case."""
    path = Path(text)
    if path.is_file() and path.suffix != ".json":
        return _Named(text, versions(read_lock_file(path)))
    if path.exists():
        results, _ = results_of(path, store)
        return {
            case.id: _Named(case.lock, results.locks[case.lock]) for case in results.cases if case.lock in results.locks
        }
    results, _ = results_of(output, store)
    return _of_case(find_case(results, text), results)


def _of_case(case: CaseResult, results: Results) -> _Named:
    if case.lock is None or case.lock not in results.locks:
        raise RequestError(f"{case.id}: it has no lock: {case.message[:300]}")
    return _Named(case.id, results.locks[case.lock])
