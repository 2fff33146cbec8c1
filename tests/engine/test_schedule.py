"""In which pieces and in which order a plan's cases run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.samples import planned

from tfjs_compat.engine.schedule import IMPORT_SECONDS, Piece, pieces
from tfjs_compat.locks.lock import Unresolved


def shape(made: list[Piece]) -> list[tuple[str, int]]:
    return [(task.lock.id[-1], len(task.cases)) for task in made]


def test_a_task_for_each_lock() -> None:
    made = pieces((planned(1, 5), planned(2, 6), planned(3, 5)), jobs=2)
    assert shape(made) == [("5", 2), ("6", 1)]
    assert [entry.case.model.ref for entry in made[0].cases] == ["zoo:m1", "zoo:m3"]


def test_few_locks_are_split_so_that_every_job_has_work() -> None:
    cases = [planned(number, 5) for number in range(7)]
    assert shape(pieces(cases, jobs=1)) == [("5", 7)]
    assert shape(pieces(cases, jobs=2)) == [("5", 4), ("5", 3)]
    assert shape(pieces(cases, jobs=100)) == [("5", 1)] * 7


def test_cases_with_the_same_variables_stay_together() -> None:
    cases = [planned(number, 5, **({"TF": "1"} if number % 2 else {})) for number in range(4)]
    (made,) = pieces(cases, jobs=1)
    assert [entry.variables for entry in made.cases] == [{}, {}, {"TF": "1"}, {"TF": "1"}]


def test_what_has_no_lock_is_no_work() -> None:
    cases = [planned(1, Unresolved("no", (), "")), planned(2, "no network"), planned(3, 5), planned(4, 5)]
    assert shape(pieces(cases, jobs=1)) == [("5", 2)]
    assert pieces(cases[:2], jobs=4) == []
    assert pieces((), jobs=4) == []


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 9))
def test_every_case_is_in_one_task_once(locks: list[int], jobs: int) -> None:
    cases = [planned(number, on) for number, on in enumerate(locks)]
    made = pieces(cases, jobs)
    found = [entry.case.id for task in made for entry in task.cases]
    assert sorted(found) == sorted(entry.case.id for entry in cases)
    assert all(task.cases for task in made)
    assert all(entry.lock == task.lock for task in made for entry in task.cases)
    if found:
        assert len(made) >= min(jobs, len(found), len({task.lock.id for task in made}))


def test_the_longest_is_first_then_the_order_of_the_plan() -> None:
    cases = [planned(1, 4), planned(2, 5), planned(3, 6), planned(4, 7)]
    seconds = {"zoo:m3": 30.0}
    made = pieces(cases, 1, expected=lambda entry: seconds.get(entry.case.model.ref, 1.0))
    assert shape(made) == [("6", 1), ("4", 1), ("5", 1), ("7", 1)]
    made = pieces(cases, 1, preparing=lambda lock: 9.0 if lock.id.endswith("7") else 0.0)
    assert shape(made)[0] == ("7", 1)


def test_a_task_that_would_end_much_later_is_halved() -> None:
    cases = [*(planned(number, 5) for number in range(40)), planned(40, 6), planned(41, 7)]
    made = pieces(cases, 2, expected=lambda _: 2.0)
    assert max(task.seconds for task in made) <= 0.6 * sum(task.seconds for task in made)
    few = [*(planned(number, 5) for number in range(4)), planned(40, 6), planned(41, 7)]
    assert len(pieces(few, 2, expected=lambda _: 1.0)) == 3


def test_a_task_is_halved_between_groups_of_variables() -> None:
    cases = [planned(number, 5, **({"TF": "1"} if number < 4 else {})) for number in range(6)]
    made = pieces(cases, 2)
    assert [[entry.variables for entry in task.cases] for task in made] == [[{"TF": "1"}] * 4, [{}] * 2]
    assert [task.seconds for task in made] == [IMPORT_SECONDS + 4, IMPORT_SECONDS + 2]


def test_what_is_unknown_for_the_longest_time_begins_where_time_may_run_out() -> None:
    cases = [planned(1, 1), planned(2, 2), planned(3, 3), planned(4, 3)]
    ranks = {"zoo:m1": 3, "zoo:m2": 1, "zoo:m3": 9, "zoo:m4": 0}
    found = pieces(cases, 1, known_since=lambda each: ranks[each.case.model.ref])
    assert [[each.case.model.ref for each in piece.cases] for piece in found] == [
        *(["zoo:m4", "zoo:m3"], ["zoo:m2"], ["zoo:m1"])
    ]
