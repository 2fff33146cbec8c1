"""How a plan becomes results, and that one task's bad luck is not another's."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.samples import PYTHON, lock, plan, planned

from tfjs_compat.cli.exit_codes import of_results
from tfjs_compat.engine import run as runner
from tfjs_compat.engine.durations import Durations
from tfjs_compat.engine.plan import Plan
from tfjs_compat.engine.run import run_plan
from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.environment import NotInstallable
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import Results
from tfjs_compat.system.context import Context
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Silent
from tfjs_compat.system.store import Store
from tfjs_compat.trials.settings import Settings

# ------------------------------------------------------------------------------------------------------------ run_plan


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        store=Store(tmp_path / "store"),
        until=Stage.CONVERT,
        limits=Limits(),
        web=None,
        stop=threading.Event(),
        progress=Silent(),
    )


@pytest.fixture(autouse=True)
def builds(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What building the environment of a lock does: an environment, unless a test says otherwise."""
    answers: dict[str, object] = {}

    def build(lock: Lock, python: object, context: Context, **_: object) -> object:
        answer = answers.get(lock.id)
        if isinstance(answer, BaseException):
            raise answer
        root = context.store.folder("environments", lock.id)
        (root / "environment.json").touch()
        return answer or environments.Environment(lock.id, root, lock.python, "", lock.packages, 0.0)

    monkeypatch.setattr(runner, "build", build)
    return answers


@pytest.fixture(autouse=True)
def outcomes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome | BaseException]:
    """What running a model comes to: it converts, unless a test says otherwise."""
    answers: dict[str, Outcome | BaseException] = {}

    def convert_case(case: object, _bench: object, folder: Path, _settings: object) -> Outcome:
        answer = answers.get(getattr(case, "model").ref, Outcome(Stage.CONVERT))  # noqa: B009
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(runner, "convert_case", convert_case)
    return answers


def run(made: Plan, folder: Path, settings: Settings, jobs: int = 2) -> Results:
    with ThreadPoolExecutor(jobs) as executor:
        return run_plan(made, folder / "out", executor, jobs, settings)


def verdicts(results: Results) -> list[str]:
    return [f"{one.verdict} at {one.stage}" for one in results.cases]


def test_results_stand_in_the_plans_order(
    tmp_path: Path, settings: Settings, outcomes: dict[str, Outcome | BaseException]
) -> None:
    outcomes["zoo:m2"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"))
    outcomes["zoo:m3"] = MachineryError("no space left on the device")
    cases = [planned(1, 5), planned(2, 6), planned(3, 5), planned(4, Unresolved("never", (), "x")), planned(5, "gone")]
    results = run(plan(*cases), tmp_path, settings)
    assert verdicts(results) == [
        "converts at convert",
        "fails at build",
        "error at import",
        "fails at resolve",
        "error at resolve",
    ]
    assert results.complete
    assert of_results(results) == 3
    assert (tmp_path / "out" / "locks" / f"{lock(6).id}.txt").read_text() == lock(6).text


def test_one_environment_that_cannot_be_built_is_not_the_others(
    tmp_path: Path, settings: Settings, builds: dict[str, object]
) -> None:
    builds[lock(5).id] = MachineryError("the disk is on fire")
    builds[lock(7).id] = NotInstallable("Failed to build `x`", "…")
    cases = [planned(1, 5), planned(2, 6), planned(3, 7), planned(4, 5)]
    results = run(plan(*cases), tmp_path, settings)
    assert verdicts(results) == ["error at install", "converts at convert", "fails at install", "error at install"]
    assert results.cases[0].message == "the disk is on fire"


def test_an_environment_that_is_gone_when_it_is_wanted_is_not_the_others(
    tmp_path: Path, settings: Settings, builds: dict[str, object]
) -> None:
    gone = tmp_path / "gone"
    builds[lock(5).id] = environments.Environment(lock(5).id, gone, PYTHON.build, "", {}, 0.0)
    results = run(plan(planned(1, 5), planned(2, 6)), tmp_path, settings)
    assert verdicts(results) == ["error at install", "converts at convert"]
    assert "gone" in results.cases[0].message


def test_a_fault_after_a_case_does_not_undo_it(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(_: object) -> None:
        raise MachineryError("the disk is on fire")

    monkeypatch.setattr(runner.EnvironmentSession, "close", close)
    cases = [planned(1, 5), planned(2, 5, TF="1")]
    results = run(plan(*cases), tmp_path, settings, jobs=1)
    assert verdicts(results) == ["converts at convert", "error at install"]


def test_an_outcome_that_finds_no_room_in_the_cache_is_one_all_the_same(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MachineryError("no space left on the device")

    monkeypatch.setattr(runner.cache, "keep", full)
    assert verdicts(run(plan(planned(1, 5)), tmp_path, settings)) == ["converts at convert"]


def test_what_ended_before_an_interrupt_is_kept(
    tmp_path: Path, settings: Settings, outcomes: dict[str, Outcome | BaseException]
) -> None:
    outcomes["zoo:m2"] = Interrupted()
    results = run(plan(planned(1, 5), planned(2, 5), planned(3, 5)), tmp_path, settings, jobs=1)
    assert [one.model for one in results.cases] == ["zoo:m1"]
    assert not results.complete
    assert settings.stop.is_set()


def test_kept_outcomes_are_taken_from_the_cache(
    tmp_path: Path, settings: Settings, outcomes: dict[str, Outcome | BaseException]
) -> None:
    outcomes["zoo:m1"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"))
    outcomes["zoo:m2"] = MachineryError("for once")
    first = run(plan(planned(1, 5), planned(2, 5)), tmp_path, settings)
    assert [one.cached for one in first.cases] == [False, False]
    outcomes.clear()
    second = run(plan(planned(1, 5), planned(2, 5)), tmp_path, settings)
    assert [(str(one.verdict), one.cached) for one in second.cases] == [("fails", True), ("converts", False)]
    assert second.cases[0].verdict is Verdict.FAILS


def test_a_check_overlaps_with_the_next_conversion_and_nothing_else(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: set[str] = set()
    seen: list[set[str]] = []
    both = threading.Barrier(2, timeout=5)

    def half(kind: str, name: str, waits: bool) -> None:
        running.add(f"{kind} {name}")
        if waits:
            both.wait()
            seen.append(set(running))
            both.wait()
        running.discard(f"{kind} {name}")

    def convert(case: Case, _bench: object, folder: Path, _settings: object) -> Outcome:
        half("convert", case.model.ref, case.model.ref != "zoo:m1")
        folder.mkdir(parents=True)
        return Outcome(Stage.CONVERT)

    def finish(case: Case, _folder: object, converted: Outcome, _settings: object) -> Outcome:
        half("check", case.model.ref, case.model.ref != "zoo:m3")
        return converted

    monkeypatch.setattr(runner, "convert_case", convert)
    monkeypatch.setattr(runner, "finish_case", finish)
    results = run(plan(planned(1, 5), planned(2, 5), planned(3, 5)), tmp_path, settings, jobs=1)
    assert [one.model for one in results.cases] == ["zoo:m1", "zoo:m2", "zoo:m3"]
    assert {frozenset(one) for one in seen} == {
        frozenset({"check zoo:m1", "convert zoo:m2"}),
        frozenset({"check zoo:m2", "convert zoo:m3"}),
    }


def test_a_fault_of_the_check_is_that_cases_alone(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(case: Case, _folder: object, converted: Outcome, _settings: object) -> Outcome:
        if case.model.ref == "zoo:m1":
            raise MachineryError("no Node")
        return converted

    monkeypatch.setattr(runner, "finish_case", finish)
    results = run(plan(planned(1, 5), planned(2, 5)), tmp_path, settings, jobs=1)
    assert verdicts(results) == ["error at check", "converts at convert"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_order_of_the_work_changes_no_result(
    tmp_path: Path, settings: Settings, outcomes: dict[str, Outcome | BaseException], jobs: int
) -> None:
    outcomes["zoo:m2"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"))
    cases = [planned(number, number % 3, **({"TF": "1"} if number % 2 else {})) for number in range(9)]
    durations = Durations(settings.store)
    for number, one in enumerate(cases):
        durations.record(one.case, 100.0 / (number + 1) if jobs == 1 else number)
    results = run(plan(*cases), tmp_path, settings, jobs=jobs)
    assert [one.id for one in results.cases] == [one.case.id for one in cases]
    assert [str(one.verdict) for one in results.cases] == ["converts"] * 2 + ["fails"] + ["converts"] * 6


def test_what_cases_took_is_remembered(tmp_path: Path, settings: Settings) -> None:
    case = planned(1, 5)
    run(plan(case), tmp_path, settings)
    assert Durations(settings.store).of(case.case) < 1.0


@pytest.mark.parametrize("until", [Stage.RESOLVE, Stage.INSTALL])
def test_what_stops_before_a_model_runs_no_model(
    tmp_path: Path, settings: Settings, outcomes: dict[str, Outcome | BaseException], until: Stage
) -> None:
    outcomes["zoo:m0"] = AssertionError("no model was asked for")
    results = run(plan(planned(0, 1)), tmp_path, dataclasses.replace(settings, until=until), jobs=1)
    (case,) = results.cases
    assert (case.verdict, case.stage) == (Verdict.CONVERTS, until)
    assert case.lock == lock(1).id
    assert of_results(results) == 0
    assert (settings.store.root / "environments").exists() == (until is Stage.INSTALL)
