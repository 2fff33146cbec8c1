"""What is run again, and what becomes of a case that was run more than once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.samples import lock, plan, planned

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.retries import with_retries
from tfjs_compat.engine.run import run_plan
from tfjs_compat.engine.tasks import TrialOptions
from tfjs_compat.engine.worker import Operations
from tfjs_compat.environments.environment import Environment
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.journal import read_journal
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import remove_tree, write_whole
from tfjs_compat.system.store import Store

FINE = Outcome(Stage.CONVERT, log="log.txt")
BROKEN = Outcome(Stage.CONVERT, Failure(Stage.CONVERT, "ValueError: chance"), log="log.txt")
EARLY = Outcome(Stage.BUILD, Failure(Stage.BUILD, "ValueError: early"), log="log.txt")
FAULT = Outcome(Stage.BUILD, machinery="killed by SIGKILL", log="log.txt")


class Nights:
    """Runs of one case, whose trials end one after another as a test says; the last one goes on."""

    def __init__(self, root: Path) -> None:
        self.output, self.context = root / "out", Context(Store(root / "store"))
        self.ends: list[Outcome] = []
        self.trials = 0

    def run(self, *ends: Outcome, retries: int = 0, baseline: Results | None = None) -> CaseResult:
        self.ends, self.trials = list(ends), 0
        made = plan(planned(1, 1))
        with ThreadPoolExecutor(1) as executor:
            engine = Engine(self.context, self.options(), self.output, executor, 1, self.operations())
            self.results = with_retries(run_plan(made, engine), made, engine, retries, baseline)
        return self.results.cases[0]

    def options(self) -> TrialOptions:
        return TrialOptions(str(self.context.store.root), Stage.CONVERT, 600.0, None, 1 << 30)

    def operations(self) -> Operations:
        def build(_lock: object, _python: object, context: Context, **_: object) -> Environment:
            made = lock(1)
            root = context.store.folder("environments", made.id)
            (root / "environment.json").touch()
            return Environment(made.id, root, made.python, "", {}, 0.0)

        def convert(case: Case, _session: object, folder: Path, _settings: object) -> Outcome:
            end = self.ends[min(self.trials, len(self.ends) - 1)]
            self.trials += 1
            write_whole(folder / "log.txt", f"trial {self.trials}", lasting=False)
            return end

        return Operations(build=build, convert=convert, finish=lambda case, folder, converted, settings: converted)


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def test_without_a_reason_nothing_runs_again(nights: Nights) -> None:
    case = nights.run(BROKEN, retries=3)
    assert (nights.trials, case.attempts) == (1, ())


def test_a_fault_of_the_machinery_is_run_again(nights: Nights) -> None:
    case = nights.run(FAULT, FAULT, FINE, retries=3)
    assert (nights.trials, case.verdict, case.flaky) == (3, Verdict.CONVERTS, False)
    assert [attempt.verdict for attempt in case.attempts] == [Verdict.ERROR, Verdict.ERROR, Verdict.CONVERTS]
    assert case.log is not None
    assert (nights.output / case.log).read_text() == "trial 3"


def test_a_fault_that_stays_is_an_error(nights: Nights) -> None:
    case = nights.run(FAULT, retries=2)
    assert (nights.trials, case.verdict, len(case.attempts)) == (3, Verdict.ERROR, 3)


def test_a_case_that_ends_unlike_before_and_then_otherwise_is_flaky(nights: Nights) -> None:
    nights.run(FINE)
    baseline = nights.results
    forget(nights)
    case = nights.run(BROKEN, FINE, retries=5, baseline=baseline)
    assert (nights.trials, case.flaky, case.verdict) == (2, True, Verdict.FAILS)
    first, second = case.attempts
    assert (first.verdict, second.verdict) == (Verdict.FAILS, Verdict.CONVERTS)
    logs = [(nights.output / str(attempt.log)).read_text() for attempt in case.attempts]
    assert logs == ["trial 1", "trial 2"]
    journal = read_journal(nights.output)
    assert journal.lines[case.id].result == case


def test_a_flaky_outcome_is_not_kept(nights: Nights) -> None:
    nights.run(FINE)
    baseline = nights.results
    forget(nights)
    nights.run(BROKEN, FINE, retries=1, baseline=baseline)
    assert nights.run(EARLY).cached is False
    assert nights.trials == 1


def test_a_change_that_stays_is_no_chance(nights: Nights) -> None:
    nights.run(FINE)
    baseline = nights.results
    forget(nights)
    case = nights.run(BROKEN, retries=2, baseline=baseline)
    assert (nights.trials, case.flaky, case.verdict, len(case.attempts)) == (3, False, Verdict.FAILS, 3)


def test_what_is_as_in_the_baseline_is_not_run_again(nights: Nights) -> None:
    nights.run(BROKEN)
    baseline = nights.results
    forget(nights)
    assert nights.run(BROKEN, retries=2, baseline=baseline).attempts == ()


def test_a_stop_ends_the_retries(nights: Nights) -> None:
    nights.run(FAULT)
    before = nights.results
    nights.context.stop.set()
    made = plan(planned(1, 1))
    with ThreadPoolExecutor(1) as executor:
        engine = Engine(nights.context, nights.options(), nights.output, executor, 1, nights.operations())
        found = with_retries(before, made, engine, 3)
    assert (found.complete, found.cases) == (False, before.cases)


def forget(nights: Nights) -> None:
    """Let the next run find nothing kept, so that its trials run."""
    remove_tree(nights.context.store.root / "outcomes")
