"""The search core against random compatibility tables."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.search.best_first import best_first

Table = dict[int, tuple[bool, tuple[int, ...]]]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, tuple[int, ...]]:
    """Candidates by rank: whether each works, and the later ones that grow out of it; and some roots."""
    size = draw(st.integers(1, 25))
    table = {
        at: (
            draw(st.booleans()) and draw(st.booleans()),
            tuple(draw(st.lists(st.integers(at + 1, size), max_size=4))) if at < size else (),
        )
        for at in range(size + 1)
    }
    roots = draw(st.lists(st.integers(0, size), min_size=1, max_size=8))
    return table, tuple(roots)


def run(search: Generator[tuple[int, ...], Sequence[bool], Any], table: Table) -> tuple[Any, list[int]]:
    """What a search returns, and all that it asked."""
    asked: list[int] = []
    try:
        batch = next(search)
        while True:
            asked += batch
            batch = search.send([table[one][0] for one in batch])
    except StopIteration as end:
        return end.value, asked


def searching(table: Table, roots: Sequence[int], **options: Any) -> tuple[Any, list[int]]:
    return run(best_first(roots, rank=int, grow=lambda one, _: table[one][1], works=bool, **options), table)


def reachable(table: Table, roots: Sequence[int]) -> set[int]:
    """What can be asked about: growth stops at what works."""
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [] if table[one][0] else table[one][1]
    return found


@given(tables(), st.integers(1, 5))
def test_an_answer_is_found_whenever_there_is_one_and_it_is_the_best(
    case: tuple[Table, tuple[int, ...]], at_once: int
) -> None:
    table, roots = case
    working = [one for one in reachable(table, roots) if table[one][0]]
    found, _ = searching(table, roots, at_once=at_once)
    assert found == ((min(working), True) if working else None)


@given(tables(), st.integers(1, 5))
def test_nothing_is_asked_twice_and_never_more_than_exhaustively(
    case: tuple[Table, tuple[int, ...]], at_once: int
) -> None:
    table, roots = case
    found, asked = searching(table, roots, at_once=at_once)
    all_found, all_asked = searching(table, roots, at_once=at_once, exhaustive=True)
    assert len(asked) == len(set(asked))
    assert set(asked) <= set(all_asked) == reachable(table, roots)
    assert found == all_found


@given(tables())
def test_one_at_a_time_asks_nothing_that_ranks_behind_the_answer(case: tuple[Table, tuple[int, ...]]) -> None:
    table, roots = case
    found, asked = searching(table, roots)
    assert asked == sorted(asked)
    assert found is None or all(one <= found[0] for one in asked)
