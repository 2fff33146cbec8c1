"""What a search does not run, because it is known already how it ends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from support.evaluators import NotingRun, evaluator
from support.samples import case, lock, model, result

from tfjs_compat.engine.plan import Planned
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.evaluator import CaseEvaluator


def ends_at(stage: Stage) -> Callable[[Planned], CaseResult]:
    def end(planned: Planned) -> CaseResult:
        where = {"id": planned.case.id, "route": planned.case.route.name, "stage": stage}
        return result(**where, verdict=Verdict.FAILS, message="the weights are gone", signature="gone")

    return end


def each(evaluator: CaseEvaluator, *cases: Case) -> list[tuple[Answer, bool, CaseResult]]:
    """The evaluations of cases, one after the other."""
    found = [evaluator.evaluate([given])[given.id] for given in cases]
    return [(evaluation.answer, evaluation.tried, evaluation.result) for evaluation in found]


@pytest.mark.parametrize("stage", [Stage.IMPORT, Stage.BUILD])
def test_an_unbuilt_model_is_not_tried_on_another_route(stage: Stage) -> None:
    run = NotingRun(ends_at(stage))
    oracle = evaluator(run)
    (_, first_tried, _), (answer, second_tried, second) = each(oracle, case("layers"), case("graph+repair"))
    assert run.routes == ["layers"]
    assert (first_tried, second_tried, answer) == (True, False, Answer.NO)
    assert (second.route, second.message) == ("graph+repair", "the weights are gone")
    assert second.id == case("graph+repair").id
    assert (oracle.trials, oracle.ruled_out) == (1, 1)


def test_routes_asked_together_wait_for_the_first_to_build() -> None:
    run = NotingRun(ends_at(Stage.BUILD))
    oracle = evaluator(run)
    found = oracle.evaluate([case("layers"), case("graph"), case("layers", process_env="legacy-keras")])
    assert run.routes == ["layers", "layers"]
    assert [found[case(route).id].tried for route in ("layers", "graph")] == [True, False]
    assert (oracle.trials, oracle.ruled_out) == (2, 1)


def test_a_stop_leaves_those_that_wait_unanswered() -> None:
    oracle = evaluator(lambda _, __: [])
    assert oracle.evaluate([case("layers"), case("graph")]) == {}


@pytest.mark.parametrize(("keras", "run_with_legacy"), [("3.15.1", ["layers"]), ("2.21.0", ["layers", "graph"])])
def test_legacy_keras_is_not_tried_on_a_model_that_takes_no_notice(keras: str, run_with_legacy: list[str]) -> None:
    def end(planned: Planned) -> CaseResult:
        legacy = planned.case.combination.process_env == "legacy-keras"
        given = {"id": planned.case.id, "combination": planned.case.combination, "route": planned.case.route.name}
        used = keras if legacy else "3.15.1"
        return result(**given, stage=Stage.CONVERT, verdict=Verdict.FAILS, message="no", keras_in_use=used)

    run = NotingRun(end)
    routes = ("layers", "graph")
    each(evaluator(run), *map(case, routes), *(case(route, process_env="legacy-keras") for route in routes))
    assert run.routes == ["layers", "graph", *run_with_legacy]


def test_legacy_keras_is_not_tried_once_where_the_code_takes_keras_alone() -> None:
    def end(planned: Planned) -> CaseResult:
        given = {"id": planned.case.id, "combination": planned.case.combination, "route": planned.case.route.name}
        fails = {"stage": Stage.CONVERT, "verdict": Verdict.FAILS, "message": "no"}
        return result(**given, **fails, keras_in_use="3.15.1", keras_alone=True)

    run = NotingRun(end)
    routes = ("layers", "graph")
    each(evaluator(run), *map(case, routes), *(case(route, process_env="legacy-keras") for route in routes))
    assert run.routes == ["layers", "graph"]


def test_later_stages_other_variables_and_saved_models_are_tried() -> None:
    run = NotingRun(ends_at(Stage.BUILD))
    saved = msgspec.structs.replace(case("layers"), model=model("saved", Kind.SAVED_MODEL))
    also_graph = msgspec.structs.replace(saved, route=case("graph").route)
    each(evaluator(run), case("layers"), case("layers", process_env="legacy-keras"), saved, also_graph)
    assert run.routes == ["layers", "layers", "layers", "graph"]
    later = NotingRun(ends_at(Stage.CONVERT))
    each(evaluator(later), case("layers"), case("graph"))
    assert later.routes == ["layers", "graph"]


def test_versions_that_are_certain_to_fail_are_not_run() -> None:
    packages = {"setuptools": "84.0.0", "tensorflow-hub": "0.16.1", "tensorflowjs": "4.17.0"}
    run = NotingRun(ends_at(Stage.BUILD))
    oracle = evaluator(run, lambda _: msgspec.structs.replace(lock(19), packages=packages))
    ((answer, tried, found),) = each(oracle, case())
    assert (answer, tried, found.issue, run.routes) == (Answer.NO, False, "pkg-resources-gone", [])
    assert found.message.startswith("not run: ")


def test_an_exhaustive_search_tries_it_all() -> None:
    run = NotingRun(ends_at(Stage.BUILD))
    each(evaluator(run, prune=False), case("layers"), case("graph"))
    assert run.routes == ["layers", "graph"]
