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
from tfjs_compat.results.remedies import Step
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.changes import change_cost, differences
from tfjs_compat.search.preference import ranking
from tfjs_compat.search.remedies import ChangePolicy, apply, remedied_candidates

NEWEST = {"tensorflow": "2.19.0", "tensorflowjs": "4.22.0"}
POLICY = ChangePolicy(pick=lambda name, wanted: NEWEST.get(name), python=lambda tensorflow: "3.11")
RESOLVED = {"keras": "3.15.1", "setuptools": "84.0.0", "tensorflow": "2.16.1"}


def policy(**changed: Any) -> ChangePolicy:
    return msgspec.structs.replace(POLICY, **changed)


def changed(remedy: Remedy, start: Case | None = None, given: ChangePolicy = POLICY) -> list[str] | None:
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
def test_a_remedy_changes_a_case_in_matrix_terms(remedy: Remedy, said: list[str] | None) -> None:
    assert changed(remedy) == said


def test_what_is_there_already_is_no_change() -> None:
    remedy = Remedy("x", constraints=("setuptools<81",), process_env="legacy-keras", route="layers")
    once = apply(remedy, case(), RESOLVED, POLICY)
    assert once is not None
    assert apply(remedy, once, RESOLVED, POLICY) is None


def test_the_order_of_remedies_makes_no_other_case() -> None:
    first, second = Remedy("x", constraints=("b<1",)), Remedy("y", constraints=("a<1",), process_env="no-onednn")
    forward = apply(second, apply(first, case(), {}, POLICY) or case(), {}, POLICY)
    backward = apply(first, apply(second, case(), {}, POLICY) or case(), {}, POLICY)
    assert forward == backward


def test_another_route_starts_without_the_repair_of_the_one_before() -> None:
    repaired = case("layers+repair")
    found = apply(Remedy("x", route="graph"), repaired, {}, POLICY)
    assert found is not None
    assert found.route.name == "graph"


@pytest.mark.parametrize(
    ("remedy", "limits"),
    [
        (
            Remedy("x", stand_ins=("Tensorflow_Decision.Forests",)),
            {"required_packages": frozenset({"tensorflow-decision-forests"})},
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
    assert changed(remedy, given=policy(**limits)) is None


def test_a_route_that_rejects_the_model_is_no_remedy() -> None:
    start = case("graph")
    start = msgspec.structs.replace(start, model=msgspec.structs.replace(start.model, kind=Kind.SAVED_MODEL))
    assert apply(Remedy("x", route="keras-h5"), start, {}, POLICY) is None


def failed(*issues: str, stage: Stage = Stage.CHECK, message: str = "", rewritable: tuple[str, ...] = ()) -> CaseResult:
    named = issues[0] if issues else None
    ended = {"verdict": Verdict.FAILS, "stage": stage, "message": message, "rewritable": rewritable}
    return result(issue=named, issues=issues, **ended)


@pytest.mark.parametrize(
    ("issue", "rewritable", "routes"),
    [
        ("unsupported-setting", ("causal-padding",), ["layers+repair", "layers+rewrite", "graph"]),
        ("unsupported-setting", (), ["layers+repair", "graph"]),
        ("batch-norm-rank", ("causal-padding",), ["graph"]),
        ("", ("resizing",), ["layers+rewrite", "graph"]),
    ],
)
def test_a_model_is_rewritten_only_where_a_rewrite_fits_its_layers(
    issue: str, rewritable: tuple[str, ...], routes: list[str]
) -> None:
    failure = failed(*filter(None, [issue]), rewritable=rewritable)
    grown = remedied_candidates(Candidate(case()), failure, {"keras": "2.15.0"}, POLICY)
    assert [candidate.case.route.name for candidate in grown] == routes


def test_a_user_can_forbid_to_rewrite() -> None:
    failure = failed("unsupported-setting", rewritable=("causal-padding",))
    grown = remedied_candidates(Candidate(case()), failure, RESOLVED, policy(rewrite=False))
    assert [candidate.case.route.name for candidate in grown] == ["layers+repair", "graph"]


def test_a_rewrite_and_a_repair_are_one_route_in_either_order() -> None:
    repair, rewrite = Remedy("x", variant="repair"), Remedy("y", variant="rewrite")
    both = [
        apply(second, apply(first, case(), {}, POLICY) or case(), {}, POLICY)
        for first, second in ((repair, rewrite), (rewrite, repair))
    ]
    assert [found.route.name for found in both if found] == ["layers+rewrite+repair"] * 2


@pytest.mark.parametrize(
    ("stage", "message", "routes"),
    [
        (
            Stage.CONVERT,
            "Unsupported Ops in the model before optimization\nStringFormat, Assert",
            ["graph+skip-op-check+strip-debug-ops", "layers", "graph"],
        ),
        (Stage.CONVERT, "Unsupported Ops in the model before optimization\nBucketize", ["layers", "graph"]),
        (Stage.CHECK, "Unknown op 'Bucketize'", ["graph+repair", "layers", "graph"]),
    ],
)
def test_only_remedies_for_this_failure_are_tried(stage: Stage, message: str, routes: list[str]) -> None:
    start = Candidate(case("graph"))
    found = remedied_candidates(start, failed("unsupported-ops", stage=stage, message=message), RESOLVED, POLICY)
    assert [candidate.case.route.name for candidate in found] == routes


def test_a_repair_that_leaves_an_error_is_no_remedy() -> None:
    failure = failed("keras3-batch-shape", "unknown-layer")
    for left, repaired in ((("unknown-layer",), False), ((), True)):
        result = msgspec.structs.replace(failure, unrepairable=left)
        grown = remedied_candidates(Candidate(case()), result, RESOLVED, POLICY)
        assert ("layers+repair" in [candidate.case.route.name for candidate in grown]) == repaired


def test_what_no_version_cures_gets_no_remedy_for_the_unknown() -> None:
    grown = remedied_candidates(
        Candidate(case("layers")), failed("module-not-found", stage=Stage.BUILD), RESOLVED, POLICY
    )
    assert list(grown) == []


def test_remedies_of_the_first_issue_come_first() -> None:
    failure = failed("pkg-resources-gone", "keras3-batch-shape")
    candidates = list(remedied_candidates(Candidate(case()), failure, RESOLVED, POLICY))
    assert [candidate.steps[-1].issue for candidate in candidates][:2] == ["pkg-resources-gone", "keras3-batch-shape"]
    assert candidates[0].case.combination.constraints == ("setuptools<81",)
    assert len(set(candidates)) == len(candidates)
    assert all(candidate.cost >= 1 for candidate in candidates)


def routes_after(candidate: Candidate) -> list[str]:
    """Where a candidate of Keras 2 goes that failed with something unknown."""
    resolved = {**RESOLVED, "keras": "2.15.0"}
    return [grown.case.route.name for grown in remedied_candidates(candidate, failed(), resolved, POLICY)]


@pytest.mark.parametrize("stage", [Stage.BUILD, Stage.SERIALIZE, Stage.CONVERT, Stage.PREDICT])
def test_an_unknown_failure_under_keras_3_is_tried_with_legacy_keras_first(stage: Stage) -> None:
    start = Candidate(case("graph"))
    ways = [
        (grown.case.combination.process_env, grown.case.route.name)
        for grown in sorted(
            remedied_candidates(start, failed(stage=stage), RESOLVED, POLICY), key=ranking("newest", {})
        )
    ]
    assert ways == [("legacy-keras", "graph"), ("default", "layers")]


def test_what_failed_before_the_model_is_not_tried_with_another_keras() -> None:
    grown = remedied_candidates(Candidate(case("graph")), failed(stage=Stage.IMPORT), RESOLVED, POLICY)
    assert [candidate.case.combination.process_env for candidate in grown] == ["default"]


def test_an_unknown_failure_leads_to_the_other_format_once() -> None:
    start = Candidate(case("layers+float16"))
    (other,) = remedied_candidates(start, failed(), {**RESOLVED, "keras": "2.15.0"}, POLICY)
    assert other.case.route.name == "graph+float16"
    assert routes_after(other) == []


def test_the_words_of_a_step_decide_nothing() -> None:
    step = Step("an-issue", "a remedy", ("package graph-tools instead of graph", "route layers instead of graph"))
    assert routes_after(Candidate(case("layers"), (step,))) == ["graph"]
    silent = msgspec.structs.replace(Candidate(case("layers")), left_routes=frozenset({"graph"}))
    assert routes_after(silent) == []


def test_another_tensorflow_costs_more_than_a_constraint_or_a_repair() -> None:
    start = case()
    repair, pin, version = (
        apply(remedy, start, {}, POLICY)
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
    given = policy(versions=False)
    for candidate in remedied_candidates(Candidate(case()), failed(*first), RESOLVED, given):
        assert rank(Candidate(case())) < rank(candidate)
        for later in remedied_candidates(candidate, failed(*second), RESOLVED, given):
            assert rank(candidate) < rank(later)


def at(tensorflow: str, **more: Any) -> Candidate:
    return Candidate(case(tensorflow=tensorflow), **more)


def test_newest_oldest_and_nearest_order_versions() -> None:
    candidates = [at("2.9.1"), at("2.16.2"), at("2.21.0"), at("2.19.0", cost=3)]
    order = {
        prefer: [
            candidate.case.combination.tensorflow
            for candidate in sorted(candidates, key=ranking(prefer, {"tensorflow": "2.16.1"}))
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
def test_only_versions_that_are_certain_to_fail_are_named(packages: dict[str, str], issue: str | None) -> None:
    found = certain_issue(packages, "3.11")
    assert (found.id if found else None) == issue
