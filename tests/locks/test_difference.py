"""The difference of two locks: what it holds, and that it leads from one to the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.locks.difference import Difference, VersionChange, difference

LOCKS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["1", "1.0", "2", "3rc1"]))


def test_added_removed_and_changed() -> None:
    old, new = {"numpy": "1.26.4", "keras": "3.2.1", "wrapt": "1"}, {"numpy": "2.0.2", "jax": "0.4.30", "wrapt": "1"}
    assert difference(old, new) == Difference(
        added=(VersionChange("jax", None, "0.4.30"),),
        removed=(VersionChange("keras", "3.2.1", None),),
        changed=(VersionChange("numpy", "1.26.4", "2.0.2"),),
    )
    assert [change.name for change in difference(old, new).changes] == ["jax", "keras", "numpy"]


@given(LOCKS)
def test_no_lock_differs_from_itself(lock: dict[str, str]) -> None:
    assert difference(lock, lock) == Difference()
    assert difference(lock, lock).apply(lock) == lock


@given(LOCKS, LOCKS)
def test_applied_it_gives_the_other_lock(old: dict[str, str], new: dict[str, str]) -> None:
    assert difference(old, new).apply(old) == new


@given(LOCKS, LOCKS)
def test_the_way_back_is_its_mirror(old: dict[str, str], new: dict[str, str]) -> None:
    there, back = difference(old, new), difference(new, old)
    assert [(change.name, change.new, change.old) for change in there.changes] == [
        (change.name, change.old, change.new) for change in back.changes
    ]


@given(LOCKS, LOCKS)
def test_every_change_changes_something(old: dict[str, str], new: dict[str, str]) -> None:
    changes = difference(old, new).changes
    assert all(change.old != change.new for change in changes)
    assert len({change.name for change in changes}) == len(changes)


@given(LOCKS, LOCKS, LOCKS)
def test_it_applies_only_to_what_it_starts_from(
    old: dict[str, str], new: dict[str, str], other: dict[str, str]
) -> None:
    changes = difference(old, new)
    if all(other.get(change.name) == change.old for change in changes.changes):
        assert difference(other, changes.apply(other)).changes == changes.changes
    else:
        with pytest.raises(ValueError, match="the difference starts from"):
            changes.apply(other)
