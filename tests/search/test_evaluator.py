"""The search over a laboratory whose machinery is replaced: how it stops, and what it keeps of what it heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.samples import case, interpreters, lock, plan, result

from tfjs_compat.engine.options import options_of
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.run import Ended, Engine
from tfjs_compat.errors import Interrupted
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search import evaluator as laboratory
from tfjs_compat.search.installed import Installed
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.workflows import find as room

WORLD = ChangePolicy(
    pick=lambda name, wanted: None, python=lambda tensorflow: None, versions=False, routes=frozenset({"layers"})
)
ROOTS = tuple(case("layers", tensorflow=f"2.{minor}.0") for minor in (19, 18, 17, 16))
Ran = Callable[[Any, threading.Event], Sequence[CaseResult]]


def ends(asked: Any, *, works: bool) -> CaseResult:
    verdict = {} if works else {"verdict": Verdict.FAILS, "stage": Stage.BUILD, "issue": None, "issues": ()}
    return result(id=asked.id, combination=asked.combination, route=asked.route.name, **verdict)


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    def searching(ran: Ran, jobs: int = 4, stop: threading.Event | None = None, **wish: Any) -> Any:
        halt = room._Halt(stop or threading.Event(), time.monotonic() + wish.get("seconds", 1000.0))
        context = Context(Store(tmp_path), halt)
        options = options_of(RunRequest(store=context.store), Stage.PREDICT, context)

        def resolved(requests: Sequence[Any], *_: object) -> dict[Any, Any]:
            return {one: lock(at) for at, one in enumerate(requests)}

        def run(todo: Sequence[Planned], *_: object) -> Ended:
            return Ended({found.id: found for found in ran(plan(*todo), halt)}, complete=True)

        monkeypatch.setattr(laboratory, "resolve_all", resolved)
        monkeypatch.setattr(laboratory, "run_trials", run)
        with ThreadPoolExecutor(1) as executor:
            asked = laboratory.CaseEvaluator(
                Engine(context, options, tmp_path, executor, jobs), interpreters("3.11.7"), prune=False
            )
            given = SearchRequest("zoo:mlp", repair=False, routes=("layers",), **wish)
            ground = StartingPoints(ROOTS, WORLD, Installed(), (), "")
            return asked, *room._search(given, ground, asked, halt, room._at_once(given, jobs))

    return searching


def test_what_had_ended_when_the_user_stopped_is_an_answer(search: Callable[..., Any]) -> None:
    stop = threading.Event()

    def ran(plan: Any, _: threading.Event) -> Sequence[CaseResult]:
        stop.set()
        return [ends(plan.cases[1].case, works=True)]

    _, best, tried, ended = search(ran, stop=stop)
    assert best is not None
    assert best[0].case == ROOTS[1]
    assert len(tried) == 1
    assert ended == "when it was interrupted"


def test_the_time_ends_what_is_running_and_is_not_called_an_interruption(search: Callable[..., Any]) -> None:
    def ran(plan: Any, halt: threading.Event) -> Sequence[CaseResult]:
        started = time.monotonic()
        while not halt.is_set() and time.monotonic() < started + 20:
            time.sleep(0.01)
        # As the machinery does: what goes away sets its event too.
        halt.set()
        raise Interrupted

    _, best, _, ended = search(ran, seconds=0.1)
    assert best is None
    assert ended == "after 0.1 s (--time)"


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("most", [1, 3])
def test_as_many_trials_as_allowed_and_the_same_with_any_number_of_jobs(
    search: Callable[..., Any], jobs: int, most: int
) -> None:
    def ran(plan: Any, _: threading.Event) -> Sequence[CaseResult]:
        return [ends(one.case, works=False) for one in plan.cases]

    asked, best, tried, ended = search(ran, jobs=jobs, max_trials=most)
    assert best is None
    assert asked.trials == most
    assert [one.case.id for one in tried] == [one.id for one in ROOTS[:most]]
    assert ended == f"after {most} trial{'s' if most > 1 else ''} (--max-trials)"
