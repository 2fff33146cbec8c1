"""Parts of one plan become one run; what is missing or double is said."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import combination, result, results

from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.merge import Lost, Part, merge
from tfjs_compat.results.plan_file import Cut, PlanDocument, PlannedCase


def case(name: str) -> PlannedCase:
    return PlannedCase(name, f"{name}/1", combination(), "zoo:mlp", "0", "layers", "0123456789abcdef")


def part(name: str, *cases: str, cut: Cut | None = None, shard: str = "", ran: int | None = None, day: int = 1) -> Part:
    plan = PlanDocument(
        schema=1,
        tool="0.1.0",
        started=f"2026-01-0{day}T00:00:00+00:00",
        matrix="m",
        matrix_digest="d",
        until=Stage.PREDICT,
        machine={"system": "Linux", "cpu": name},
        left_out=("x: impossible",),
        cases=tuple(map(case, cases)),
        run=name,
        shard=shard,
        cut=cut,
    )
    found = results(*(result(id=name, seconds={"import": day}) for name in cases[:ran]), left_out=plan.left_out)
    return Part(name, plan, found)


@dataclasses.dataclass
class Sharded:
    order: list[str]
    parts: list[Part]


@st.composite
def sharded(draw: st.DrawFn) -> Sharded:
    of = draw(st.integers(1, 5))
    numbers = draw(st.lists(st.integers(1, of), min_size=1, max_size=20))
    cut = Cut(of, {f"c{at:02}": number for at, number in enumerate(numbers)})
    parts = [part(f"s{n}", *cut.cases(n), cut=cut, shard=f"{n}/{of}") for n in range(1, of + 1)]
    return Sharded(list(cut.shard_of), draw(st.permutations(parts)))


@given(sharded())
def test_shards_in_any_order_are_the_whole_in_the_plans_order(world: Sharded) -> None:
    whole = merge(world.parts)
    assert [case.id for case in whole.results.cases] == world.order
    assert [case.id for case in whole.plan.cases] == world.order
    assert whole.results.complete
    assert whole.lost == ()


@given(sharded(), st.data())
def test_a_lost_shard_is_said(world: Sharded, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(world.parts))
    rest = [found for found in world.parts if found is not gone]
    if not rest:
        return
    whole = merge(rest)
    names = tuple(case.id for case in gone.plan.cases)
    assert whole.lost == ((Lost(gone.plan.shard, names),) if names else ())
    assert whole.results.complete is not bool(names)
    assert whole.results.planned == len(world.order)


def test_a_shard_that_was_killed_lacks_cases() -> None:
    cut = Cut(2, {"a": 1, "b": 1, "c": 2})
    whole = merge([part("s1", "a", "b", cut=cut, shard="1/2", ran=1), part("s2", "c", cut=cut, shard="2/2")])
    assert whole.lost == (Lost("1/2", ("b",)),)


def test_the_later_run_of_a_shard_counts() -> None:
    cut = Cut(2, {"a": 1, "c": 2})
    parts = [part("again", "a", cut=cut, shard="1/2", day=3), part("s1", "a", cut=cut, shard="1/2")]
    whole = merge([*parts, part("s2", "c", cut=cut, shard="2/2")])
    assert [case.seconds["import"] for case in whole.results.cases] == [3, 1]


def test_runs_of_one_matrix_are_united() -> None:
    whole = merge([part("one", "a", "b"), part("two", "b", "c", day=2)])
    assert [case.id for case in whole.results.cases] == ["a", "b", "c"]
    assert whole.results.machine == {"system": "Linux", "cpu": "one | two"}
    assert whole.results.left_out == ("x: impossible",)
    assert all(case.verdict is Verdict.WORKS for case in whole.results.cases)


def test_shards_of_two_cuts_are_refused() -> None:
    one, other = Cut(2, {"a": 1, "b": 2}), Cut(2, {"a": 2, "b": 1})
    with pytest.raises(RequestError, match=r"s2: cut into other shards than s1(.|\n)*hint:"):
        merge([part("s1", "a", cut=one, shard="1/2"), part("s2", "a", cut=other, shard="2/2")])


@pytest.mark.parametrize("cases", [("b",), ("a", "b"), ()])
def test_a_shard_of_other_cases_than_its_own_is_refused(cases: tuple[str, ...]) -> None:
    cut = Cut(2, {"a": 1, "b": 2})
    with pytest.raises(RequestError, match="s1: not what shard 1/2 of the plan is"):
        merge([part("s1", *cases, cut=cut, shard="1/2"), part("s2", "b", cut=cut, shard="2/2")])


def test_runs_of_two_matrices_are_refused() -> None:
    one, two = part("one", "a"), part("two", "a")
    other = msgspec.structs.replace(two, plan=msgspec.structs.replace(two.plan, matrix_digest="e"))
    with pytest.raises(RequestError, match="two: a run of another matrix"):
        merge([one, other])
    with pytest.raises(RequestError, match="at least one"):
        merge([])
