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
FAILS = "no-such-issue"


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
    searched = search(by_root(FAULT, FAILS, FAULT, FAILS))
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
    rule = stopping(stop, ROOTS[1], by_root(FAILS, WORKS, FAILS, FAILS))
    searched = search(rule, oracle=RuleOracle(rule, stop=stop), stop=stop)
    assert found(searched) == ROOTS[1]
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
    searched = search(by_root(FAILS, FAILS, FAILS, FAILS), jobs, max_trials=most)
    assert found(searched) is None
    assert [tried.case.id for tried in searched.tried] == [root.id for root in ROOTS[:most]]
    assert searched.ended == f"after {most} trial{'s' if most > 1 else ''} (--max-trials)"
    assert [candidate.case for candidate in searched.best.open] == list(ROOTS[most:])


def test_a_limit_with_nothing_better_open_is_no_early_end() -> None:
    searched = search(by_root(WORKS, FAILS, FAILS, FAILS), max_trials=1)
    assert (found(searched), searched.ended, searched.best.open) == (ROOTS[0], None, ())
