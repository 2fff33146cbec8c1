"""Remedies as changes of a case, and what is preferred among them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import case, result

from tfjs_compat.diagnosis.catalogue import Remedy, catalogue
from tfjs_compat.diagnosis.certain import certain_issue
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.candidates import Trial
from tfjs_compat.search.changes import change_cost, differences
from tfjs_compat.search.preference import ranking
from tfjs_compat.search.remedies import ChangePolicy, apply, remedied_candidates

NEWEST = {"tensorflow": "2.19.0", "tensorflowjs": "4.22.0"}
WORLD = ChangePolicy(pick=lambda name, wanted: NEWEST.get(name), python=lambda tensorflow: "3.11")
RESOLVED = {"keras": "3.15.1", "setuptools": "84.0.0", "tensorflow": "2.16.1"}


def world(**changed: Any) -> ChangePolicy:
    return msgspec.structs.replace(WORLD, **changed)


def changed(remedy: Remedy, start: Case | None = None, given: ChangePolicy = WORLD) -> list[str] | None:
    start = start or case()
    found = apply(remedy, start, RESOLVED, given)
    return None if found is None else list(differences(start, found))


@pytest.mark.parametrize(
    ("remedy", "said"),
    [
        (Remedy("x", constraints=("setuptools<81",)), ["constraint setuptools<81"]),
        (Remedy("x", extra=("tf-keras=={minor}.*",)), ["package tf-keras==2.16.*"]),
        (Remedy("x", overrides=("protobuf<4",)), ["override protobuf<4"]),
        (Remedy("x", stand_ins=("a-b",)), ["an empty module in place of a-b"]),
        (Remedy("x", process_env="legacy-keras"), ["process variables legacy-keras"]),
        (Remedy("x", route="graph"), ["route graph instead of layers"]),
        (Remedy("x", variant="repair"), ["route layers+repair instead of layers"]),
        (Remedy("x", tensorflow=">=2.17"), ["tensorflow 2.19.0 instead of 2.16.1"]),
        (Remedy("x", keras="3.2.1"), ["keras 3.2.1 instead of as resolved"]),
        (
            Remedy("x", route="graph", process_env="no-onednn"),
            ["process variables no-onednn", "route graph instead of layers"],
        ),
        (Remedy("only a person can"), None),
        (Remedy("x", variant="control-flow-v2"), None),
        (Remedy("x", constraints=("a<1",), when={"keras": "<3"}), None),
    ],
)
def test_a_remedy_changes_a_case_in_the_terms_of_a_matrix(remedy: Remedy, said: list[str] | None) -> None:
    assert changed(remedy) == said


def test_what_is_there_already_is_no_change() -> None:
    remedy = Remedy("x", constraints=("setuptools<81",), process_env="legacy-keras", route="layers")
    once = apply(remedy, case(), RESOLVED, WORLD)
    assert once is not None
    assert apply(remedy, once, RESOLVED, WORLD) is None


def test_the_same_lines_are_the_same_case_in_whatever_order_they_came() -> None:
    first, second = Remedy("x", constraints=("b<1",)), Remedy("y", constraints=("a<1",), process_env="no-onednn")
    one = apply(second, apply(first, case(), {}, WORLD) or case(), {}, WORLD)
    other = apply(first, apply(second, case(), {}, WORLD) or case(), {}, WORLD)
    assert one == other


def test_another_route_starts_without_the_repair_of_the_one_before() -> None:
    repaired = case("layers+repair")
    found = apply(Remedy("x", route="graph"), repaired, {}, WORLD)
    assert found is not None
    assert found.route.name == "graph"


@pytest.mark.parametrize(
    ("remedy", "limits"),
    [
        (
            Remedy("x", stand_ins=("Tensorflow_Decision.Forests",)),
            {"wanted": frozenset({"tensorflow-decision-forests"})},
        ),
        (Remedy("x", process_env="legacy-keras"), {"keras": ">=3"}),
        (Remedy("x", route="graph"), {"routes": frozenset({"layers"})}),
        (Remedy("x", variant="repair"), {"repair": False}),
        (Remedy("x", tensorflow="2.19.0"), {"versions": False}),
        (Remedy("x", tensorflow="2.19.0"), {"pick": lambda name, wanted: None}),
        (Remedy("x", tensorflow="2.19.0"), {"python": lambda tensorflow: None}),
    ],
)
def test_a_remedy_stays_within_the_users_limits(remedy: Remedy, limits: dict[str, Any]) -> None:
    assert changed(remedy) is not None
    assert changed(remedy, given=world(**limits)) is None


def test_a_route_that_does_not_take_the_model_is_no_remedy() -> None:
    start = case("graph")
    start = msgspec.structs.replace(start, model=msgspec.structs.replace(start.model, kind=Kind.SAVED_MODEL))
    assert apply(Remedy("x", route="keras-h5"), start, {}, WORLD) is None


def failed(*issues: str, stage: Stage = Stage.CHECK, message: str = "") -> CaseResult:
    named = issues[0] if issues else None
    return result(verdict=Verdict.FAILS, stage=stage, issue=named, issues=issues, message=message)


@pytest.mark.parametrize(
    ("stage", "message", "routes"),
    [
        (
            Stage.CONVERT,
            "Unsupported Ops in the model before optimization\nAssert",
            ["graph+strip-debug-ops", "layers"],
        ),
        (Stage.CONVERT, "Unsupported Ops in the model before optimization\nErfc", ["layers"]),
        (Stage.CHECK, "Unknown op 'Erfc'", ["graph+repair", "layers"]),
    ],
)
def test_only_the_remedies_that_are_for_this_failure_are_tried(stage: Stage, message: str, routes: list[str]) -> None:
    start = Trial(case("graph"))
    found = remedied_candidates(start, failed("unsupported-ops", stage=stage, message=message), RESOLVED, WORLD)
    assert [one.case.route.name for one in found] == routes


def test_remedies_of_the_first_issue_come_first_and_each_says_what_it_is_for() -> None:
    trials = list(
        remedied_candidates(Trial(case()), failed("pkg-resources-gone", "keras3-batch-shape"), RESOLVED, WORLD)
    )
    assert [trial.steps[-1].issue for trial in trials][:2] == ["pkg-resources-gone", "keras3-batch-shape"]
    assert trials[0].case.combination.constraints == ("setuptools<81",)
    assert len(set(trials)) == len(trials)
    assert all(trial.cost >= 1 for trial in trials)


def test_another_tensorflow_is_dearer_than_a_constraint_or_a_repair() -> None:
    start = case()
    repair, pin, version = (
        apply(remedy, start, {}, WORLD)
        for remedy in (
            Remedy("x", variant="repair"),
            Remedy("x", constraints=("a<1",)),
            Remedy("x", tensorflow="2.19.0"),
        )
    )
    assert repair is not None
    assert pin is not None
    assert version is not None
    assert change_cost(start, repair) == change_cost(start, pin) == 1 < change_cost(start, version)


ISSUES = st.lists(st.sampled_from(sorted(catalogue())), max_size=5)


@given(ISSUES, ISSUES, st.sampled_from(["newest", "nearest", "oldest"]))
def test_nothing_ranks_before_what_it_grew_out_of(first: list[str], second: list[str], prefer: Any) -> None:
    rank = ranking(prefer, {"tensorflow": "2.16.1"})
    given = world(versions=False)
    for trial in remedied_candidates(Trial(case()), failed(*first), RESOLVED, given):
        assert rank(Trial(case())) < rank(trial)
        for later in remedied_candidates(trial, failed(*second), RESOLVED, given):
            assert rank(trial) < rank(later)


def at(tensorflow: str, **more: Any) -> Trial:
    return Trial(case(tensorflow=tensorflow), **more)


def test_newest_oldest_and_nearest_order_versions() -> None:
    trials = [at("2.9.1"), at("2.16.2"), at("2.21.0"), at("2.19.0", cost=3)]
    order = {
        prefer: [
            one.case.combination.tensorflow for one in sorted(trials, key=ranking(prefer, {"tensorflow": "2.16.1"}))
        ]
        for prefer in ("newest", "oldest", "nearest")
    }
    assert order["newest"] == ["2.21.0", "2.19.0", "2.16.2", "2.9.1"]
    assert order["oldest"] == ["2.9.1", "2.16.2", "2.19.0", "2.21.0"]
    assert order["nearest"] == ["2.16.2", "2.21.0", "2.9.1", "2.19.0"]


@pytest.mark.parametrize(
    ("packages", "issue"),
    [
        ({"setuptools": "84.0.0", "tensorflow-hub": "0.16.1", "tensorflowjs": "4.17.0"}, "pkg-resources-gone"),
        ({"setuptools": "80.9.0", "tensorflow-hub": "0.16.1", "tensorflowjs": "4.17.0"}, None),
        ({"setuptools": "84.0.0", "tensorflow-hub": "0.17.0", "tensorflowjs": "4.17.0"}, None),
        ({"ydf": "0.16.1", "protobuf": "5.29.6", "tensorflow-decision-forests": "1.12.0"}, "ydf-protobuf"),
        ({"ydf": "0.12.0", "protobuf": "5.29.6", "tensorflow-decision-forests": "1.12.0"}, None),
        ({}, None),
    ],
)
def test_only_what_a_lock_is_certain_to_run_into_is_foretold(packages: dict[str, str], issue: str | None) -> None:
    found = certain_issue(packages, "3.11")
    assert (found.id if found else None) == issue
