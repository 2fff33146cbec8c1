"""What a search does not run, because it is known already how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.samples import case, interpreters, lock, model, result

from tfjs_compat.engine.options import options_of
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.run import Ended, Engine
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search import evaluator as laboratory
from tfjs_compat.search.evaluator import Answer, CaseEvaluator
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store


class EnvironmentSession:
    """A laboratory whose runner ends every case at one stage, and notes what it was asked to run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, stage: Stage, *, prune: bool = True) -> None:
        self.ran: list[str] = []
        self._stage = stage
        monkeypatch.setattr(laboratory, "resolve_all", lambda requests, *_: dict.fromkeys(requests, lock(19)))
        monkeypatch.setattr(laboratory, "run_trials", self._run)
        context = Context(Store(folder))
        options = options_of(RunRequest(store=context.store), Stage.PREDICT, context)
        engine = Engine(context, options, folder, ThreadPoolExecutor(1), 1)
        self._laboratory = CaseEvaluator(engine, interpreters("3.11.7"), prune=prune)

    def _run(self, todo: Sequence[Planned], *_: object) -> Ended:
        self.ran += [planned.case.route.name for planned in todo]
        return Ended({planned.case.id: self._end(planned.case) for planned in todo}, complete=True)

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
