"""The noisy binary search against exhaustive search in random worlds."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.search.answer import Answer
from tfjs_compat.search.least_satisfying import CERTAIN, LeastSatisfying, Neighbours, least_satisfying

World = list[Answer]
NO, YES, UNKNOWN = Answer.NO, Answer.YES, Answer.UNKNOWN


def worlds(*middle: Answer) -> st.SearchStrategy[World]:
    """Any answers between a first no and a last yes."""
    return st.lists(st.sampled_from(middle), max_size=40).map(lambda answers: [NO, *answers, YES])


@st.composite
def monotone(draw: st.DrawFn, holes: bool = True) -> World:
    """Answers that turn once; some unknown, where there are holes."""
    before, after = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    world = [NO] * before + [YES] * after
    if holes:
        for at in draw(st.lists(st.integers(1, len(world) - 1), max_size=12)):
            if at < len(world) - 1:
                world[at] = UNKNOWN
    return world


def weights_for(world: World) -> st.SearchStrategy[list[float] | None]:
    size = len(world) - 1
    weight = st.floats(0.001, 1000, allow_nan=False)
    return st.none() | st.lists(weight, min_size=size, max_size=size)


class Asked:
    """Answers from a world, and keeps the questions."""

    def __init__(self, world: World) -> None:
        self.world, self.positions = world, list[int]()

    def __call__(self, position: int) -> Answer:
        self.positions.append(position)
        return self.world[position]


def turns(world: World) -> list[tuple[int, int]]:
    """By exhaustive search: every no and the next yes with nothing but unknown answers between them."""
    answered = [at for at, answer in enumerate(world) if answer is not UNKNOWN]
    return [pair for pair in itertools.pairwise(answered) if (world[pair[0]], world[pair[1]]) == (NO, YES)]


@given(monotone(), st.data())
def test_the_neighbours_of_the_only_turn(world: World, data: st.DataObject) -> None:
    found = least_satisfying(len(world), Asked(world), data.draw(weights_for(world)))
    assert [(found.no, found.yes)] == turns(world)
    assert found.unknown == found.yes - found.no - 1
    assert found.complete


@given(worlds(NO, YES, UNKNOWN), st.data())
def test_in_any_world_a_real_turn_is_found(world: World, data: st.DataObject) -> None:
    found = least_satisfying(len(world), Asked(world), data.draw(weights_for(world)))
    assert (found.no, found.yes) in turns(world)


@given(worlds(NO, YES, UNKNOWN), st.data())
def test_no_position_is_asked_for_twice_without_contradiction(world: World, data: st.DataObject) -> None:
    ask = Asked(world)
    least_satisfying(len(world), ask, data.draw(weights_for(world)))
    assert len(ask.positions) == len(set(ask.positions))
    assert not {0, len(world) - 1} & set(ask.positions)


@given(monotone(holes=False))
def test_without_weights_it_halves(world: World) -> None:
    ask = Asked(world)
    least_satisfying(len(world), ask)
    assert len(ask.positions) <= math.ceil(math.log2(len(world) - 1)) if len(world) > 2 else not ask.positions


@given(monotone(holes=False))
def test_a_right_suspicion_takes_two_questions(world: World) -> None:
    ((_, turn),) = turns(world)
    ask = Asked(world)
    least_satisfying(len(world), ask, [1000.0 if at == turn else 1.0 for at in range(1, len(world))])
    assert len(ask.positions) <= 2


def test_a_long_hole_is_left_alone() -> None:
    """Positions in a hole that is not at the turn need not be asked for one by one."""
    world = [NO, *[UNKNOWN] * 30, NO, NO, YES, YES, YES, YES]
    ask = Asked(world)
    found = least_satisfying(len(world), ask)
    assert world[found.no : found.yes + 1] == [NO, YES]
    assert len(ask.positions) < 20


@given(worlds(NO, YES, UNKNOWN), st.integers(0, 12))
def test_a_stopped_search_gives_what_encloses_a_turn(world: World, most: int) -> None:
    ask, left = Asked(world), iter(range(most))
    found = least_satisfying(len(world), lambda at: ask(at) if next(left, None) is not None else None)
    assert world[found.no] is NO
    assert world[found.yes] is YES
    assert found.no < found.yes
    if found.complete:
        assert (found.no, found.yes) in turns(world)


@given(worlds(NO, YES, UNKNOWN))
def test_what_is_prepared_is_what_may_be_asked_for_next(world: World) -> None:
    search = LeastSatisfying(len(world))
    while (position := search.next()) is not None:
        prepared = search.upcoming()
        search.record(position, world[position])
        if world[position] is not UNKNOWN:
            assert search.next() in (*prepared, None)


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_flaky_answers_are_asked_for_again(noise: float) -> None:
    right = confident = 0
    for seed in range(200):
        dice = random.Random(seed)
        length = dice.randint(3, 40)
        turn = dice.randint(1, length - 1)

        def ask(at: int, turn: int = turn, dice: random.Random = dice) -> Answer:
            return YES if (at >= turn) != (dice.random() < noise) else NO

        found = least_satisfying(length, ask, noise=noise)
        right += (found.no, found.yes) == (turn - 1, turn)
        confident += found.confidence >= CERTAIN
    assert right >= 185
    assert confident >= 185


def test_a_contradiction_is_noticed_and_met() -> None:
    """Nobody said that the answers are flaky: one position contradicts itself, so that others are asked again."""
    search = LeastSatisfying(8)
    search.record(4, YES)
    search.record(4, NO)
    asked: list[int] = []
    while (position := search.next()) is not None:
        asked.append(position)
        search.record(position, YES if position >= 6 else NO)
    assert search.noise >= 0.15
    assert len(asked) > len(set(asked))
    found = search.neighbours()
    assert (found.no, found.yes) == (5, 6)
    assert CERTAIN <= found.confidence < 1


def test_neighbours_of_two_positions_need_no_question() -> None:
    assert least_satisfying(2, Asked([NO, YES])) == Neighbours(0, 1, 0, 1.0)


@pytest.mark.parametrize(("length", "weights"), [(1, None), (3, [1.0]), (3, [1.0, 0.0])])
def test_a_sequence_that_cannot_turn_is_refused(length: int, weights: Sequence[float] | None) -> None:
    with pytest.raises(ValueError, match="position"):
        LeastSatisfying(length, weights)
