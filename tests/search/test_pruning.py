"""What a search does not run, because it is known already how it ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.samples import case, interpreters, lock, model, result, results

from tfjs_compat.engine.context import settings_of
from tfjs_compat.engine.plan import Plan
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.matrix.schema import LimitsTable
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.search import evaluator as laboratory
from tfjs_compat.search.evaluator import Answer, CaseEvaluator
from tfjs_compat.system.progress import Silent
from tfjs_compat.system.store import Store


class EnvironmentSession:
    """A laboratory whose runner ends every case at one stage, and notes what it was asked to run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, stage: Stage, *, prune: bool = True) -> None:
        self.ran: list[str] = []
        self._stage = stage
        monkeypatch.setattr(laboratory, "resolve_all", lambda requests, *_: dict.fromkeys(requests, lock(19)))
        monkeypatch.setattr(laboratory, "run_plan", self._run)
        made = RunRequest(store=Store(folder))
        settings = settings_of(made, Stage.PREDICT, LimitsTable(), 1, Silent(), threading.Event())
        self.executor = ThreadPoolExecutor(1)
        self._laboratory = CaseEvaluator(settings, folder, self.executor, 1, interpreters("3.11.7"), prune=prune)

    def _run(self, plan: Plan, *_: object) -> Results:
        self.ran += [one.case.route.name for one in plan.cases]
        return msgspec.structs.replace(results(), cases=tuple(self._end(one.case) for one in plan.cases))

    def _end(self, one: Case) -> CaseResult:
        given: dict[str, Any] = {"id": one.id, "route": one.route.name, "stage": self._stage, "verdict": Verdict.FAILS}
        return result(**given, message="the weights are gone", signature="gone")

    def ask(self, *cases: Case) -> Sequence[Answer]:
        return self._laboratory.ask(cases)


@pytest.mark.parametrize("stage", [Stage.IMPORT, Stage.BUILD])
def test_a_model_that_is_not_built_is_not_tried_on_another_route(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: Stage
) -> None:
    bench = EnvironmentSession(monkeypatch, tmp_path, stage)
    (first,) = bench.ask(case("layers"))
    (second,) = bench.ask(case("graph+repair"))
    assert bench.ran == ["layers"]
    assert (first.tried, second.tried) == (True, False)
    assert (second.result.route, second.result.message) == ("graph+repair", "the weights are gone")
    assert second.result.id == case("graph+repair").id


def test_later_stages_other_variables_and_saved_models_are_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench = EnvironmentSession(monkeypatch, tmp_path, Stage.BUILD)
    bench.ask(case("layers"))
    bench.ask(case("layers", process_env="legacy-keras"))
    saved = msgspec.structs.replace(case("layers"), model=model("saved", Kind.SAVED_MODEL))
    bench.ask(saved)
    bench.ask(msgspec.structs.replace(saved, route=case("graph").route))
    assert bench.ran == ["layers", "layers", "layers", "graph"]
    later = EnvironmentSession(monkeypatch, tmp_path, Stage.CONVERT)
    later.ask(case("layers"))
    later.ask(case("graph"))
    assert later.ran == ["layers", "graph"]


def test_an_exhaustive_search_tries_it_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bench = EnvironmentSession(monkeypatch, tmp_path, Stage.BUILD, prune=False)
    bench.ask(case("layers"))
    bench.ask(case("graph"))
    assert bench.ran == ["layers", "graph"]
