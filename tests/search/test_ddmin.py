"""Delta debugging against exhaustive search in random worlds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tfjs_compat.search.answer import Answer
from tfjs_compat.search.ddmin import Minimal, ddmin

Subset = frozenset[int]
World = Callable[[Subset], Answer]
NO, YES, UNKNOWN = Answer.NO, Answer.YES, Answer.UNKNOWN


class Asked:
    """Answers from a world, and keeps the questions."""

    def __init__(self, world: World) -> None:
        self.world, self.subsets = world, list[Subset]()

    def __call__(self, subsets: Sequence[Subset]) -> list[Answer]:
        self.subsets += subsets
        return [self.world(subset) for subset in subsets]


def needing(*culprits: int) -> World:
    return lambda subset: YES if set(culprits) <= subset else NO


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, World]:
    """Any answers at all for the subsets of up to six changes: not monotone, with holes."""
    size = draw(st.integers(1, 6))
    answers = draw(st.lists(st.sampled_from([NO, YES, UNKNOWN]), min_size=2**size, max_size=2**size))
    answers[0], answers[-1] = NO, YES
    return size, lambda subset: answers[sum(1 << change for change in subset)]


@st.composite
def moving_together(draw: st.DrawFn) -> tuple[int, set[int], World]:
    """Culprits among changes of which some cannot be made without others: unknown where one is missing."""
    size = draw(st.integers(2, 24))
    change = st.integers(0, size - 1)
    culprits = draw(st.sets(change, min_size=1, max_size=3))
    needs = draw(st.lists(st.tuples(change, change), max_size=4))

    def world(subset: Subset) -> Answer:
        if any(one in subset and other not in subset for one, other in needs):
            return UNKNOWN
        return YES if culprits <= subset else NO

    return size, culprits, world


def weights_for(size: int) -> st.SearchStrategy[list[float] | None]:
    return st.none() | st.lists(st.floats(0.01, 100), min_size=size, max_size=size)


def check(found: Minimal[int], size: int, world: World) -> None:
    """What the law says of any result."""
    whole = frozenset(found.changes)
    assert found.complete
    assert world(whole) is YES or len(whole) == size
    without = {change: world(whole - {change}) for change in whole}
    assert YES not in without.values()
    assert found.minimal == all(answer is NO for answer in without.values())
    assert set(found.unknown) == {change for change, answer in without.items() if answer is UNKNOWN}


@given(tables(), st.data())
def test_in_any_world_the_result_is_minimal_as_far_as_it_is_known(made: tuple[int, World], data: st.DataObject) -> None:
    size, world = made
    check(ddmin(range(size), Asked(world), data.draw(weights_for(size))), size, world)


@given(tables(), st.data())
def test_the_result_does_not_depend_on_the_jobs(made: tuple[int, World], data: st.DataObject) -> None:
    size, world = made
    weights = data.draw(weights_for(size))
    results = {ddmin(range(size), Asked(world), weights, jobs=jobs) for jobs in (1, 2, 3, 7)}
    assert len(results) == 1


@given(st.integers(1, 60), st.data())
def test_monotone_worlds_give_the_culprits_exactly(size: int, data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=4))
    ask = Asked(needing(*culprits))
    found = ddmin(range(size), ask, data.draw(weights_for(size)))
    assert set(found.changes) == culprits
    assert found.minimal
    assert len(ask.subsets) == len(set(ask.subsets))


@given(moving_together(), st.data())
def test_holes_leave_nothing_out_and_are_counted(made: tuple[int, set[int], World], data: st.DataObject) -> None:
    size, culprits, world = made
    found = ddmin(range(size), Asked(world), data.draw(weights_for(size)))
    check(found, size, world)
    assert culprits <= set(found.changes)


@given(st.lists(st.sets(st.integers(0, 11), min_size=1, max_size=3), min_size=1, max_size=3), st.data())
def test_of_several_causes_one_is_found_whole(causes: list[set[int]], data: st.DataObject) -> None:
    found = ddmin(
        range(12),
        Asked(lambda subset: YES if any(cause <= subset for cause in causes) else NO),
        data.draw(weights_for(12)),
    )
    assert set(found.changes) in causes
    assert found.minimal


def test_a_suspect_that_is_the_culprit_takes_one_question() -> None:
    ask = Asked(needing(17))
    assert ddmin(range(40), ask, [50.0 if change == 17 else 1.0 for change in range(40)]).changes == (17,)
    assert ask.subsets == [frozenset({17})]


def test_one_of_forty_takes_no_more_than_a_binary_search() -> None:
    for culprit in range(40):
        ask = Asked(needing(culprit))
        ddmin(range(40), ask)
        assert len(ask.subsets) <= 7


@settings(max_examples=20)
@given(st.integers(0, 12))
def test_a_stopped_search_keeps_what_answers_yes(most: int) -> None:
    left = itertools.count()
    world = needing(3, 11)

    def ask(subsets: Sequence[Subset]) -> list[Answer | None]:
        return [world(subset) if next(left) < most else None for subset in subsets]

    found = ddmin(range(20), ask)
    assert {3, 11} <= set(found.changes)
    assert found.complete == (set(found.changes) == {3, 11} and found.minimal)
