"""The loop of a search over an oracle that is replaced: what it finds, what it names, how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oracles import FAULT, WORKS, Rule, RuleOracle, once
from support.samples import case

from tfjs_compat.matrix.cases import Case
from tfjs_compat.search.best_case import INTERRUPTED, Searched, find_best_case
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.search.installed import Installed
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints

POLICY = ChangePolicy(
    pick=lambda name, wanted: None, python=lambda tensorflow: None, versions=False, routes=frozenset({"layers"})
)
ROOTS = tuple(case("layers", tensorflow=f"2.{minor}.0") for minor in (19, 18, 17, 16))
FAILS, OTHERWISE = "no-such-issue", "another-such-issue"


def search(
    rule: Rule, jobs: int = 4, stop: threading.Event | None = None, oracle: RuleOracle | None = None, **request: Any
) -> Searched:
    ends = time.monotonic() + request["seconds"] if "seconds" in request else None
    wanted = SearchRequest("zoo:mlp", repair=False, routes=("layers",), **request)
    points = StartingPoints(ROOTS, POLICY, Installed(), (), "")
    with Deadline(stop or threading.Event(), ends) as deadline:
        return find_best_case(wanted, points, oracle or RuleOracle(rule, stop=deadline.stop), deadline, jobs)


def by_root(*words: str | None) -> Rule:
    """A rule that says a word for each of ROOTS."""
    said = dict(zip((root.combination.tensorflow for root in ROOTS), words, strict=True))
    return lambda given: said[given.combination.tensorflow]


def found(searched: Searched) -> Case | None:
    return searched.best.found[0].case if searched.best.found is not None else None


def unknown(searched: Searched) -> list[Case]:
    return [candidate.case for candidate, _ in searched.best.unknown]


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_fault_on_the_preferred_case_is_named(jobs: int) -> None:
    searched = search(by_root(FAULT, WORKS, FAULT, WORKS), jobs)
    assert found(searched) == ROOTS[1]
    assert unknown(searched) == [ROOTS[0]]
    assert [evaluation.result.message for _, evaluation in searched.best.unknown] == [FAULT]
    assert searched.ended is None


def test_a_fault_that_passes_changes_nothing() -> None:
    searched = search(once(by_root(WORKS, WORKS, WORKS, WORKS), lambda given: given == ROOTS[0]))
    assert found(searched) == ROOTS[0]
    assert unknown(searched) == []


def test_where_nothing_works_every_fault_is_named() -> None:
    searched = search(by_root(FAULT, FAILS, FAULT, OTHERWISE))
    assert found(searched) is None
    assert unknown(searched) == [ROOTS[0], ROOTS[2]]


WORDS = st.lists(st.sampled_from([WORKS, FAILS, FAULT]), min_size=len(ROOTS), max_size=len(ROOTS))


@given(WORDS, st.integers(2, 6))
def test_the_answer_does_not_depend_on_the_jobs(words: list[str | None], jobs: int) -> None:
    serial, parallel = search(by_root(*words), 1), search(by_root(*words), jobs)
    assert (found(serial), unknown(serial), serial.ended) == (found(parallel), unknown(parallel), parallel.ended)


def stopping(stop: threading.Event, at: Case, rule: Rule) -> Callable[[Case], str | None]:
    def ruled(given: Case) -> str | None:
        if given == at:
            stop.set()
        return rule(given)

    return ruled


def test_what_had_ended_when_the_user_stopped_counts() -> None:
    stop = threading.Event()
    rule = stopping(stop, ROOTS[3], by_root(FAILS, WORKS, FAILS, WORKS))
    searched = search(rule, oracle=RuleOracle(rule, stop=stop), stop=stop)
    assert found(searched) == ROOTS[3]
    assert len(searched.tried) == 2
    assert searched.ended == INTERRUPTED


def test_the_time_limit_ends_what_runs_and_is_no_interruption() -> None:
    stops: list[threading.Event] = []

    def endless(given: Case) -> str | None:
        started = time.monotonic()
        while not stops[0].is_set() and time.monotonic() < started + 20:
            time.sleep(0.01)
        return FAULT

    with Deadline(threading.Event(), time.monotonic() + 0.1) as deadline:
        stops.append(deadline.stop)
        points = StartingPoints(ROOTS, POLICY, Installed(), (), "")
        request = SearchRequest("zoo:mlp", routes=("layers",), seconds=0.1)
        searched = find_best_case(request, points, RuleOracle(endless, stop=deadline.stop), deadline)
    assert found(searched) is None
    assert searched.ended == "after 0.1 s (--time)"


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("most", [1, 3])
def test_as_many_trials_as_allowed_with_any_number_of_jobs(jobs: int, most: int) -> None:
    searched = search(by_root(FAILS, OTHERWISE, "a-third", "a-fourth"), jobs, max_trials=most)
    assert found(searched) is None
    in_turn = [ROOTS[0], ROOTS[3], ROOTS[2], ROOTS[1]]
    assert [tried.case.id for tried in searched.tried] == [root.id for root in in_turn[:most]]
    assert searched.ended == f"after {most} trial{'s' if most > 1 else ''} (--max-trials)"
    assert {candidate.case for candidate in searched.best.open} == set(in_turn[most:])


def test_a_limit_with_nothing_better_open_is_no_early_end() -> None:
    searched = search(by_root(WORKS, FAILS, FAILS, FAILS), max_trials=1)
    assert (found(searched), searched.ended, searched.best.open) == (ROOTS[0], None, ())


ENDS = st.lists(st.sampled_from([WORKS, FAILS, OTHERWISE, FAULT]), min_size=len(ROOTS), max_size=len(ROOTS))


@given(ENDS, st.integers(1, 4))
def test_only_what_lies_between_two_that_end_alike_is_not_looked_at(words: list[str | None], jobs: int) -> None:
    whole, narrowed = search(by_root(*words), exhaustive=True), search(by_root(*words), jobs)
    best, looked_at = found(whole), {tried.case.id for tried in narrowed.tried}
    if found(narrowed) == best:
        return
    assert best is not None
    at = ROOTS.index(best)
    assert best.id not in looked_at
    assert any(words[newer] == words[older] in (FAILS, OTHERWISE) for newer in range(at) for older in range(at, 4))


@pytest.mark.parametrize(
    ("words", "looked_at"),
    [
        ([FAILS, FAILS, FAILS, FAILS], [0, 3]),
        ([FAILS, WORKS, WORKS, WORKS], [0, 3, 1]),
        ([FAILS, FAILS, OTHERWISE, OTHERWISE], [0, 3, 2, 1]),
        ([WORKS, FAILS, FAILS, FAILS], [0]),
    ],
)
def test_both_ends_of_the_range_come_first(words: list[str | None], looked_at: list[int]) -> None:
    searched = search(by_root(*words), 1)
    assert [tried.case.id for tried in searched.tried] == [ROOTS[at].id for at in looked_at]


def test_two_that_ended_alike_are_named() -> None:
    ((newer, older),) = search(by_root(FAILS, FAILS, FAILS, FAILS)).narrowed.alike
    assert (newer.combination.tensorflow, older.combination.tensorflow) == ("2.19.0", "2.16.0")
    assert search(by_root(FAILS, FAILS, FAILS, FAILS), exhaustive=True).narrowed.alike == ()


CURES = st.lists(st.sampled_from(["legacy-keras", "default", "nothing"]), min_size=len(ROOTS), max_size=len(ROOTS))


@given(CURES, st.integers(1, 4))
def test_the_newest_is_found_where_only_the_process_environment_cures_the_unknown(cures: list[str], jobs: int) -> None:
    by_version = dict(zip((root.combination.tensorflow for root in ROOTS), cures, strict=True))

    def rule(given: Case) -> str | None:
        return WORKS if given.combination.process_env == by_version[given.combination.tensorflow] else FAILS

    searched = search(rule, jobs, oracle=RuleOracle(rule, packages={"keras": "3.15.1"}))
    working = [root for root, cure in zip(ROOTS, cures, strict=True) if cure != "nothing"]
    best = found(searched)
    if cures[0] == cures[-1] == "nothing" or not working:
        assert best is None
    else:
        assert best is not None
        assert best.combination.tensorflow == working[0].combination.tensorflow


def test_what_is_in_the_model_itself_ends_the_search_at_once() -> None:
    searched = search(by_root("module-not-found", WORKS, WORKS, WORKS))
    assert found(searched) is None
    assert [tried.case.id for tried in searched.tried] == [ROOTS[0].id]
    assert [case.issue for case in searched.narrowed.decisive] == ["module-not-found"]
    assert found(search(by_root("module-not-found", WORKS, WORKS, WORKS), exhaustive=True)) == ROOTS[1]
