"""How a plan becomes results, and that one task's bad luck is not another's."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.samples import PYTHON, lock, plan, planned

from tfjs_compat.cli.exit_codes import of_results
from tfjs_compat.engine import remote_worker
from tfjs_compat.engine.durations import Durations
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Plan
from tfjs_compat.engine.remote_tasks import RemoteTask
from tfjs_compat.engine.run import run_plan, united
from tfjs_compat.engine.tasks import Task, TaskResult, TrialOptions, TrialResult
from tfjs_compat.engine.worker import Operations
from tfjs_compat.environments.environment import Environment, NotInstallable
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.failures import Failure, Raised
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.outcomes.wrong_inputs import Array, Problem, WrongInputs
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.files import read_results, write_results
from tfjs_compat.results.journal import JOURNAL, read_journal
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import remove_tree
from tfjs_compat.system.progress import Silent
from tfjs_compat.system.store import Store
from tfjs_compat.trials.session import EnvironmentSession


@dataclass
class House:
    """A place to run plans in: what building an environment and running a model come to is what a test says."""

    root: Path
    builds: dict[str, object] = field(default_factory=dict)
    outcomes: dict[str, Outcome | BaseException] = field(default_factory=dict)
    until: Stage = Stage.CONVERT
    fresh: bool = False
    inputs: str | None = None
    convert: Callable[..., Outcome] | None = None
    finish: Callable[..., Outcome] | None = None
    session: type[EnvironmentSession] = EnvironmentSession
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = Context(Store(self.root / "store"))

    @property
    def output(self) -> Path:
        return self.root / "out"

    def options(self) -> TrialOptions:
        store = str(self.context.store.root)
        return TrialOptions(store, self.until, 600.0, None, 1 << 30, fresh=self.fresh, inputs=self.inputs)

    def run(self, made: Plan, jobs: int = 2) -> Results:
        operations = Operations(self._build, self.session, self.convert or self._convert, self.finish or self._finish)
        with ThreadPoolExecutor(jobs) as executor:
            engine = Engine(self.context, self.options(), self.output, executor, jobs, operations)
            return run_plan(made, engine)

    def _build(self, lock: Lock, python: Interpreter, context: Context, **_: object) -> Environment | NotInstallable:
        answer = self.builds.get(lock.id)
        if isinstance(answer, BaseException):
            raise answer
        root = context.store.folder("environments", lock.id)
        (root / "environment.json").touch()
        assert answer is None or isinstance(answer, (Environment, NotInstallable))
        return answer or Environment(lock.id, root, lock.python, "", lock.packages, 0.0)

    def _convert(self, case: Case, _session: object, folder: Path, _settings: object) -> Outcome:
        answer = self.outcomes.get(case.model.ref, Outcome(Stage.CONVERT))
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _finish(self, _case: Case, _folder: Path, converted: Outcome, _settings: object) -> Outcome:
        return converted


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def verdicts(results: Results) -> list[str]:
    return [f"{case.verdict} at {case.stage}" for case in results.cases]


def test_results_stand_in_the_plans_order(house: House) -> None:
    house.outcomes["zoo:m2"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"))
    house.outcomes["zoo:m3"] = MachineryError("no space left on the device")
    cases = [planned(1, 5), planned(2, 6), planned(3, 5), planned(4, Unresolved("never", (), "x")), planned(5, "gone")]
    results = house.run(plan(*cases))
    assert verdicts(results) == [
        "converts at convert",
        "fails at build",
        "error at import",
        "fails at resolve",
        "error at resolve",
    ]
    assert results.complete
    assert of_results(results) == 3
    assert (house.output / "locks" / f"{lock(6).id}.txt").read_text() == lock(6).text


def test_one_environment_that_cannot_be_built_is_not_the_others(house: House) -> None:
    house.builds[lock(5).id] = MachineryError("the disk is on fire")
    house.builds[lock(7).id] = NotInstallable("Failed to build `x`", "…")
    cases = [planned(1, 5), planned(2, 6), planned(3, 7), planned(4, 5)]
    results = house.run(plan(*cases))
    assert verdicts(results) == ["error at install", "converts at convert", "fails at install", "error at install"]
    assert results.cases[0].message == "the disk is on fire"


def test_a_vanished_environment_ends_only_its_own_cases(house: House) -> None:
    gone = house.root / "gone"
    house.builds[lock(5).id] = Environment(lock(5).id, gone, PYTHON.build, "", {}, 0.0)
    results = house.run(plan(planned(1, 5), planned(2, 6)))
    assert verdicts(results) == ["error at install", "converts at convert"]
    assert "gone" in results.cases[0].message


def test_a_fault_after_a_case_does_not_undo_it(house: House) -> None:
    class Burning(EnvironmentSession):
        def close(self) -> None:
            raise MachineryError("the disk is on fire")

    house.session = Burning
    cases = [planned(1, 5), planned(2, 5, TF="1")]
    results = house.run(plan(*cases), jobs=1)
    assert verdicts(results) == ["converts at convert", "error at install"]


def test_a_full_cache_loses_no_outcome(house: House) -> None:
    house.context.store.folder().joinpath("outcomes").write_text("no folder")
    assert verdicts(house.run(plan(planned(1, 5)))) == ["converts at convert"]


def test_what_ended_before_an_interrupt_is_kept(house: House) -> None:
    house.outcomes["zoo:m2"] = Interrupted()
    results = house.run(plan(planned(1, 5), planned(2, 5), planned(3, 5)), jobs=1)
    assert [result.model for result in results.cases] == ["zoo:m1"]
    assert not results.complete
    assert house.context.stop.is_set()


def test_kept_outcomes_are_taken_from_the_cache(house: House) -> None:
    house.outcomes["zoo:m1"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"))
    house.outcomes["zoo:m2"] = MachineryError("for once")
    first = house.run(plan(planned(1, 5), planned(2, 5)))
    assert [result.cached for result in first.cases] == [False, False]
    house.outcomes.clear()
    second = house.run(plan(planned(1, 5), planned(2, 5)))
    assert [(str(result.verdict), result.cached) for result in second.cases] == [("fails", True), ("converts", False)]
    assert second.cases[0].verdict is Verdict.FAILS


class Lines(Silent):
    """Progress that keeps what ended."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []

    def end(self, what: str, result: str) -> None:
        self.ended.append((what, result))


def test_a_kept_outcome_that_cannot_be_read_is_run_again(house: House) -> None:
    cases = planned(1, 5), planned(2, 5)
    house.run(plan(*cases))
    for kept in (house.context.store.root / "outcomes").glob("*/*/"):
        if kept.is_dir():
            # What is not as it was kept stands in for a disk that cannot be read.
            (kept / "log.txt").write_text("more than there was", "utf-8")
    remove_tree(house.output)
    progress = Lines()
    house.context = Context(house.context.store, progress=progress)
    again = house.run(plan(*cases))
    assert again.complete
    assert [(str(case.verdict), case.cached) for case in again.cases] == [("converts", False)] * 2
    warnings = [what for what, result in progress.ended if "cannot be used" in result]
    assert sorted(warnings) == sorted(case.case.id for case in cases)


def test_a_check_overlaps_with_the_next_conversion_and_nothing_else(house: House) -> None:
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

    house.convert, house.finish = convert, finish
    results = house.run(plan(planned(1, 5), planned(2, 5), planned(3, 5)), jobs=1)
    assert [result.model for result in results.cases] == ["zoo:m1", "zoo:m2", "zoo:m3"]
    assert {frozenset(halves) for halves in seen} == {
        frozenset({"check zoo:m1", "convert zoo:m2"}),
        frozenset({"check zoo:m2", "convert zoo:m3"}),
    }


def test_a_fault_of_the_check_is_that_cases_alone(house: House) -> None:
    def finish(case: Case, _folder: object, converted: Outcome, _settings: object) -> Outcome:
        if case.model.ref == "zoo:m1":
            raise MachineryError("no Node")
        return converted

    house.finish = finish
    results = house.run(plan(planned(1, 5), planned(2, 5)), jobs=1)
    assert verdicts(results) == ["error at check", "converts at convert"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_order_of_the_work_changes_no_result(house: House, jobs: int) -> None:
    house.outcomes["zoo:m2"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"))
    cases = [planned(number, number % 3, **({"TF": "1"} if number % 2 else {})) for number in range(9)]
    durations = Durations(house.context.store)
    for number, case in enumerate(cases):
        durations.record(case.case, 100.0 / (number + 1) if jobs == 1 else number)
    results = house.run(plan(*cases), jobs=jobs)
    assert [result.id for result in results.cases] == [case.case.id for case in cases]
    assert [str(result.verdict) for result in results.cases] == ["converts"] * 2 + ["fails"] + ["converts"] * 6


def test_what_cases_took_is_remembered(house: House) -> None:
    case = planned(1, 5)
    house.run(plan(case))
    assert Durations(house.context.store).of(case.case) < 1.0


@pytest.mark.parametrize("until", [Stage.RESOLVE, Stage.INSTALL])
def test_what_stops_before_a_model_runs_no_model(house: House, until: Stage) -> None:
    house.until = until
    house.outcomes["zoo:m0"] = AssertionError("no model is to be run")
    results = house.run(plan(planned(0, 1)), jobs=1)
    (case,) = results.cases
    assert (case.verdict, case.stage) == (Verdict.CONVERTS, until)
    assert case.lock == lock(1).id
    assert of_results(results) == 0
    assert (house.context.store.root / "environments").exists() == (until is Stage.INSTALL)


# ------------------------------------------------------------------------------------------------- journal, plan, tasks


def test_a_journal_line_for_each_trial_as_it_ends(house: House) -> None:
    lines: list[int] = []

    def finish(_case: Case, _folder: Path, converted: Outcome, _settings: object) -> Outcome:
        lines.append(len(read_journal(house.output).lines))
        return converted

    house.finish = finish
    results = house.run(plan(planned(1, 5), planned(2, 5), planned(3, 5)), jobs=1)
    assert lines == [0, 1, 2]
    found = read_journal(house.output).lines
    assert {name: line.result for name, line in found.items()} == {case.id: case for case in results.cases}


def test_a_report_of_what_ended_is_there_at_any_moment(house: House) -> None:
    seen: list[Results] = []

    def finish(_case: Case, _folder: Path, converted: Outcome, _settings: object) -> Outcome:
        seen.append(read_results(house.output))
        return converted

    house.finish = finish
    house.run(plan(planned(1, 5), planned(2, 5)), jobs=1)
    assert [(len(results.cases), results.planned, results.complete) for results in seen] == [
        (0, 2, False),
        (1, 2, False),
    ]


def test_a_torn_line_is_cut_before_the_next_append(house: House) -> None:
    house.run(plan(planned(1, 5)), jobs=1)
    with (house.output / JOURNAL).open("ab") as file:
        file.write(b'{"trial": "torn')
    house.run(plan(planned(1, 5)), jobs=1)
    assert [line["trial"][:2] for line in map(msgspec.json.decode, (house.output / JOURNAL).read_bytes().splitlines())]


def test_a_run_of_a_part_adds_to_what_is_there(house: House) -> None:
    whole = plan(planned(1, 5), planned(2, 6))
    first, second = (msgspec.structs.replace(whole, cases=(case,)) for case in whole.cases)
    order = tuple(case.case.id for case in whole.cases)
    for part in (second, first):
        results = house.run(msgspec.structs.replace(part, order=order))
        write_results(united(results, house.output), house.output)
    assert [case.id for case in read_results(house.output).cases] == list(order)


def test_results_of_another_matrix_do_not_stay(house: House) -> None:
    house.run(plan(planned(1, 5)))
    made = plan(planned(2, 6))
    other = msgspec.structs.replace(made, matrix=msgspec.structs.replace(made.matrix, name="other"))
    results = house.run(other)
    assert united(results, house.output).cases == results.cases
    assert len(read_journal(house.output).lines) == 1


def test_two_locks_of_a_case_are_two_trials(house: House) -> None:
    case = planned(1, 5)
    first = house.run(plan(case)).cases[0]
    second = house.run(plan(msgspec.structs.replace(case, lock=lock(6)))).cases[0]
    assert first.id == second.id
    assert (first.trial, second.trial) == (f"{first.id}/{lock(5).id[:8]}", f"{first.id}/{lock(6).id[:8]}")
    assert (house.output / "cases" / first.trial).is_dir()
    assert (house.output / "cases" / second.trial).is_dir()


def test_a_fault_that_nobody_foresaw_is_that_cases_alone(house: House) -> None:
    house.outcomes["zoo:m1"] = OSError(5, "Input/output error")
    house.outcomes["zoo:m2"] = ZeroDivisionError("division by zero")
    house.outcomes["zoo:m4"] = MemoryError()
    results = house.run(plan(planned(1, 5), planned(2, 5), planned(3, 5), planned(4, 5)))
    assert verdicts(results) == ["error at import", "error at import", "converts at convert", "error at import"]
    assert "a bug of tfjs-compat: ZeroDivisionError: division by zero at" in results.cases[1].message
    assert results.cases[3].message == "out of memory"


def test_work_is_plain_data_both_ways(house: House) -> None:
    found = planned(1, 5)
    options = house.options()
    task = Task("run", "out", lock(5), PYTHON, (), options)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(task)), Task) == task
    result = TaskResult((TrialResult(found.case.id, lock(5).id, Outcome(Stage.CONVERT), 1.5),), interrupted=True)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(result)), TaskResult) == result


def stopped_after(house: House, cases: int) -> Callable[..., Outcome]:
    """The check of a case, of which the last one never comes to its end."""
    ended: list[Case] = []

    def finish(case: Case, _folder: Path, converted: Outcome, _settings: object) -> Outcome:
        if len(ended) == cases:
            raise Interrupted
        ended.append(case)
        return converted

    return finish


def test_results_of_an_earlier_run_are_not_called_finished(house: House) -> None:
    made = plan(planned(1, 5), planned(2, 5))
    house.run(made, jobs=1)
    house.finish, house.fresh = stopped_after(house, 1), True
    house.run(made, jobs=1)
    found = read_results(house.output)
    assert (len(found.cases), found.planned, found.complete) == (1, 2, False)


def test_a_run_killed_after_its_last_case_is_complete(house: House) -> None:
    house.run(plan(planned(1, 5), planned(2, 5)), jobs=1)
    found = read_results(house.output)
    assert (len(found.cases), found.complete) == (2, True)


@pytest.mark.parametrize("name", ["plan.json", JOURNAL])
def test_a_pipe_in_place_of_a_record_is_refused(house: House, name: str) -> None:
    house.run(plan(planned(1, 5)))
    (house.output / name).unlink()
    os.mkfifo(house.output / name)
    with pytest.raises(RequestError, match=f"{name}: cannot be read: not a regular file"):
        read_results(house.output)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00", b'{"schema": 99}'])
def test_a_damaged_plan_is_named_and_its_journal_stays(house: House, content: bytes) -> None:
    made = plan(planned(1, 5))
    house.run(made)
    before = (house.output / JOURNAL).read_bytes()
    (house.output / "plan.json").write_bytes(content)
    with pytest.raises(RequestError, match=r"plan\.json: damaged, or written by another tfjs-compat"):
        read_results(house.output)
    with pytest.raises(RequestError, match=r"remove .*plan\.json to begin anew"):
        house.run(made)
    assert (house.output / JOURNAL).read_bytes() == before


def test_damaged_lines_of_a_journal_are_counted(house: House) -> None:
    house.run(plan(planned(1, 5), planned(2, 5)))
    lines = (house.output / JOURNAL).read_bytes().splitlines(keepends=True)
    (house.output / JOURNAL).write_bytes(lines[0] + b"\x00" * 20 + b"\n{}\n")
    found = read_results(house.output)
    assert (len(found.cases), found.complete, found.left_out) == (1, False, (f"{JOURNAL}: 2 damaged lines",))


def test_what_a_killed_removal_left_goes(house: House) -> None:
    results = house.run(plan(planned(1, 5)))
    left = [house.output / "cases" / results.cases[0].id / ".removing-x-1", house.output / ".removing-y-2"]
    left.append(house.context.store.folder("conversions") / ".removing-z-3")
    for folder in left:
        folder.mkdir(parents=True)
    house.run(plan(planned(1, 5)))
    assert not any(folder.exists() for folder in left)


WRONG = WrongInputs(
    Problem.UNKNOWN, "imgae", (Array("imgae", "float32", (1, 4)),), (Array("image", "int32", (None, 4)),)
)


def test_inputs_that_are_not_the_models_are_a_wrong_request(house: House) -> None:
    (house.root / "x.npz").touch()
    house.inputs = str(house.root / "x.npz")
    house.outcomes["zoo:m1"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, "no"), wrong_inputs=WRONG)
    message = r"--inputs .*x\.npz: array 'imgae': .* model zoo:m1 takes image \(int32 \[\?, 4\]\)\nhint: .*'image'"
    with pytest.raises(RequestError, match=message):
        house.run(plan(planned(1, 5), planned(2, 6)))


def test_inputs_beside_a_builder_are_the_request_of_its_model_alone(house: House) -> None:
    house.outcomes["zoo:m1"] = Outcome(Stage.CONVERT, wrong_inputs=WRONG)
    with pytest.raises(RequestError, match=r"m1: .*_inputs: array 'imgae'"):
        house.run(plan(planned(1, 5), planned(1, 6)))
    assert verdicts(house.run(plan(planned(1, 5), planned(2, 6)))) == ["converts at convert"] * 2


def test_a_signature_that_the_model_does_not_have_is_a_wrong_request(house: House) -> None:
    said = Raised("tfjs_case.signatures.UnknownSignature", "no signature 'encod'; did you mean 'encode'?")
    house.outcomes["zoo:m1"] = Outcome(Stage.BUILD, Failure(Stage.BUILD, said.message, chain=(said,)))
    with pytest.raises(RequestError, match=r"model 'zoo:m1': no signature 'encod'; did you mean"):
        house.run(plan(planned(1, 5), planned(1, 6)))
    assert len(house.run(plan(planned(1, 5), planned(2, 6))).cases) == 2


class NotingProgress(Silent):
    """Remembers what ended, and how."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []

    def end(self, what: str, result: str) -> None:
        self.ended.append((what, result))


def test_what_a_machine_of_a_cluster_goes_without_is_said_once(house: House) -> None:
    class OnAnotherMachine(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
            return super().submit(lambda: {**fn(*arguments, **named), "notes": ["no channel: TimeoutError"]})

    progress = NotingProgress()
    house.context = Context(house.context.store, progress=progress)
    operations = Operations(house._build, EnvironmentSession, house._convert, house._finish)
    with OnAnotherMachine(2) as executor:
        engine = Engine(house.context, house.options(), house.output, executor, 2, operations)
        assert run_plan(plan(planned(1, 5), planned(2, 6)), engine).complete
    assert progress.ended.count(("cluster", "no channel: TimeoutError")) == 1


def test_a_channel_that_cannot_be_opened_is_named(house: House) -> None:
    task = Task("run", str(house.output), lock(5), PYTHON, (), house.options())
    received = RemoteTask(task, "code", {}, name="t", channel="none")
    (note,) = remote_worker._Results(received, task).rest(interrupted=False).notes
    assert note.startswith("results come when their task ends, not one by one: ")
