"""How a plan becomes tasks, and that one task's bad luck is not another's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import case, interpreters

from tfjs_compat import environments, runner
from tfjs_compat.diagnosis import Outcome
from tfjs_compat.environments import NotInstallable
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.locks import Lock, Unresolved
from tfjs_compat.matrix import Matrix
from tfjs_compat.outcomes import Failure, Stage, Verdict
from tfjs_compat.plan import Plan, Planned
from tfjs_compat.process import Limits
from tfjs_compat.progress import Silent
from tfjs_compat.results import Results, exit_code
from tfjs_compat.runner import run_plan, tasks
from tfjs_compat.store import Store
from tfjs_compat.trial import Settings

(PYTHON,) = interpreters("3.11.7")


def lock(number: int) -> Lock:
    return Lock(f"{number:016x}", PYTHON.tag, {"tensorflow": f"2.{number}.0"}, False, f"tensorflow==2.{number}.0\n")


def planned(model: int, on: int | Unresolved | str, **variables: str) -> Planned:
    made = case(ref=f"zoo:m{model}")
    made = msgspec.structs.replace(made, model=msgspec.structs.replace(made.model, digest=f"{model:064x}"))
    return Planned(made, PYTHON, lock(on) if isinstance(on, int) else on, variables)


def plan(*cases: Planned) -> Plan:
    return Plan(Matrix(), cases, ())


def shape(made: list[runner.Task]) -> list[tuple[str, int]]:
    return [(task.lock.id[-1], len(task.cases)) for task in made]


# -------------------------------------------------------------------------------------------------------------- tasks


def test_a_task_for_each_lock() -> None:
    made = tasks(plan(planned(1, 5), planned(2, 6), planned(3, 5)), jobs=2)
    assert shape(made) == [("5", 2), ("6", 1)]
    assert [one.case.model.ref for one in made[0].cases] == ["zoo:m1", "zoo:m3"]


def test_few_locks_are_split_so_that_every_job_has_work() -> None:
    cases = [planned(number, 5) for number in range(7)]
    assert shape(tasks(plan(*cases), jobs=1)) == [("5", 7)]
    assert shape(tasks(plan(*cases), jobs=2)) == [("5", 4), ("5", 3)]
    assert shape(tasks(plan(*cases), jobs=100)) == [("5", 1)] * 7


def test_cases_with_the_same_variables_stay_together() -> None:
    cases = [planned(number, 5, **({"TF": "1"} if number % 2 else {})) for number in range(4)]
    (made,) = tasks(plan(*cases), jobs=1)
    assert [one.variables for one in made.cases] == [{}, {}, {"TF": "1"}, {"TF": "1"}]


def test_what_has_no_lock_or_is_done_is_no_work() -> None:
    cases = [planned(1, Unresolved("no", (), "")), planned(2, "no network"), planned(3, 5), planned(4, 5)]
    assert shape(tasks(plan(*cases), jobs=1)) == [("5", 2)]
    assert shape(tasks(plan(*cases), jobs=1, done={cases[2].case.id})) == [("5", 1)]
    assert tasks(plan(*cases[:2]), jobs=4) == []
    assert tasks(plan(), jobs=4) == []


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 9), st.sets(st.integers(0, 11)))
def test_every_case_is_in_one_task_once(locks: list[int], jobs: int, finished: set[int]) -> None:
    cases = [planned(number, on) for number, on in enumerate(locks)]
    done = {cases[number].case.id for number in finished if number < len(cases)}
    made = tasks(plan(*cases), jobs, done)
    found = [one.case.id for task in made for one in task.cases]
    assert sorted(found) == sorted(one.case.id for one in cases if one.case.id not in done)
    assert all(task.cases for task in made)
    assert all(one.lock == task.lock for task in made for one in task.cases)
    if found:
        assert len(made) >= min(jobs, len(found), len({one.lock.id for one in made}))


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

    def build(lock: Lock, python: object, store: Store, **_: object) -> object:
        answer = answers.get(lock.id)
        if isinstance(answer, BaseException):
            raise answer
        root = store.folder("environments", lock.id)
        (root / "environment.json").touch()
        return answer or environments.Environment(lock.id, root, lock.python, "", lock.packages, 0.0)

    monkeypatch.setattr(environments, "build", build)
    return answers


@pytest.fixture(autouse=True)
def outcomes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome | BaseException]:
    """What running a model comes to: it converts, unless a test says otherwise."""
    answers: dict[str, Outcome | BaseException] = {}

    def run_case(case: object, _bench: object, folder: Path, _settings: object) -> Outcome:
        answer = answers.get(getattr(case, "model").ref, Outcome(Stage.CONVERT))  # noqa: B009
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(runner, "run_case", run_case)
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
    assert exit_code(results) == 3
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
    builds[lock(5).id] = environments.Environment(lock(5).id, gone, PYTHON.tag, "", {}, 0.0)
    results = run(plan(planned(1, 5), planned(2, 6)), tmp_path, settings)
    assert verdicts(results) == ["error at install", "converts at convert"]
    assert "gone" in results.cases[0].message


def test_a_fault_after_a_case_does_not_undo_it(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(_: object) -> None:
        raise MachineryError("the disk is on fire")

    monkeypatch.setattr(runner.Bench, "close", close)
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
