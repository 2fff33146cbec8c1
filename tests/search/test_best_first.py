"""The search core against exhaustive search in random tables of answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.search.answer import Answer
from tfjs_compat.search.best_first import Best, BestFirst

Table = dict[int, tuple[Answer, tuple[int, ...]]]
Problem = tuple[Table, tuple[int, ...]]

# No stands twice as often: searches in which little works are the long ones.
ANSWERS = (Answer.NO, Answer.YES, Answer.NO, Answer.UNKNOWN)
DECIDED = (Answer.NO, Answer.YES, Answer.NO)


def problems(answers: Sequence[Answer] = ANSWERS) -> st.SearchStrategy[Problem]:
    """Candidates by rank: what each answers, and the later ones that grow out of it; and some roots."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Problem:
        size = draw(st.integers(1, 25))
        table = {
            at: (
                draw(st.sampled_from(answers)),
                tuple(draw(st.lists(st.integers(at + 1, size), max_size=4))) if at < size else (),
            )
            for at in range(size + 1)
        }
        return table, tuple(draw(st.lists(st.integers(0, size), min_size=1, max_size=8)))

    return drawn()


def search_of(problem: Problem, **options: Any) -> BestFirst[int, Answer]:
    table, roots = problem
    return BestFirst(
        roots,
        rank=int,
        grow=lambda candidate, _: table[candidate][1],
        answer=lambda evidence: evidence,
        **options,
    )


def run(problem: Problem, **options: Any) -> tuple[Best[int, Answer], list[int]]:
    """What a search finds, and all that it evaluated."""
    search, evaluated = search_of(problem, **options), list[int]()
    while batch := search.next_batch():
        for candidate in batch:
            evaluated.append(candidate)
            search.record(candidate, problem[0][candidate][0])
    return search.best(), evaluated


def reachable(problem: Problem, growing: Collection[Answer] = (Answer.NO,)) -> set[int]:
    """What can be evaluated: growth goes on at these answers only."""
    table, roots = problem
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        candidate = waiting.pop()
        if candidate not in found:
            found.add(candidate)
            waiting += table[candidate][1] if table[candidate][0] in growing else ()
    return found


def with_answer(problem: Problem, answer: Answer) -> list[int]:
    return sorted(candidate for candidate in reachable(problem) if problem[0][candidate][0] is answer)


@given(problems(DECIDED), st.integers(1, 5))
def test_without_unknowns_the_best_of_all_is_found(problem: Problem, at_once: int) -> None:
    working = with_answer(problem, Answer.YES)
    best, _ = run(problem, at_once=at_once)
    assert best == Best((working[0], Answer.YES) if working else None, (), ())


@given(problems(), st.integers(1, 5), st.booleans())
def test_the_best_yes_and_every_unknown_before_it(problem: Problem, at_once: int, exhaustive: bool) -> None:
    working, unknown = with_answer(problem, Answer.YES), with_answer(problem, Answer.UNKNOWN)
    best, _ = run(problem, at_once=at_once, exhaustive=exhaustive)
    assert best.found == ((working[0], Answer.YES) if working else None)
    assert [candidate for candidate, _ in best.unknown] == [
        candidate for candidate in unknown if not working or candidate < working[0]
    ]
    assert best.open == ()


@given(problems(), st.integers(1, 5), st.data())
def test_whatever_unknowns_hide_ranks_behind_a_named_one(problem: Problem, at_once: int, data: st.DataObject) -> None:
    best, _ = run(problem, at_once=at_once)
    table, roots = problem
    truth = {
        candidate: (data.draw(st.sampled_from(DECIDED)) if answer is Answer.UNKNOWN else answer, grown)
        for candidate, (answer, grown) in table.items()
    }
    real, _ = run((truth, roots))
    if real.found != best.found:
        assert best.unknown
        assert real.found is not None
        assert best.unknown[0][0] <= real.found[0]


@given(problems(), st.integers(2, 5), st.integers(1, 3))
def test_what_would_wait_for_each_other_is_in_no_batch_together(problem: Problem, at_once: int, kinds: int) -> None:
    search = search_of(problem, at_once=at_once, alone=lambda candidate: candidate % kinds)
    while batch := search.next_batch():
        assert len({candidate % kinds for candidate in batch}) == len(batch)
        search.record(batch[0], problem[0][batch[0]][0])
    assert search.best() == run(problem)[0]


@given(problems(), st.integers(1, 5))
def test_each_is_evaluated_once_and_never_more_than_exhaustively(problem: Problem, at_once: int) -> None:
    best, evaluated = run(problem, at_once=at_once)
    whole, everything = run(problem, at_once=at_once, exhaustive=True)
    assert len(evaluated) == len(set(evaluated))
    assert set(evaluated) <= set(everything) == reachable(problem)
    assert best == whole


@given(problems())
def test_a_slow_search_evaluates_nothing_behind_its_answer(problem: Problem) -> None:
    best, evaluated = run(problem)
    assert evaluated == sorted(evaluated)
    assert best.found is None or all(candidate <= best.found[0] for candidate in evaluated)


@given(problems(), st.integers(1, 5), st.data())
def test_a_search_that_ends_early_names_what_is_open(problem: Problem, at_once: int, data: st.DataObject) -> None:
    search, recorded = search_of(problem, at_once=at_once), list[int]()
    while (batch := search.next_batch()) and data.draw(st.booleans()):
        for candidate in batch[: data.draw(st.integers(0, len(batch)))]:
            recorded.append(candidate)
            search.record(candidate, problem[0][candidate][0])
    best, (whole, _) = search.best(), run(problem)
    assert not set(best.open) & set(recorded)
    if not best.open:
        assert best == whole
    elif whole.found is not None and whole.found != best.found:
        assert best.open[0] <= whole.found[0]


def test_only_candidates_of_the_batch_are_recorded() -> None:
    search = search_of(({0: (Answer.NO, ())}, (0,)))
    with pytest.raises(KeyError):
        search.record(0, Answer.NO)
