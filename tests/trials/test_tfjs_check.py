"""What a run in TensorFlow.js comes to: by its record, and with real Nodes that load what a test gives them."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.artifacts import WEIGHTS, one_dense, put_artifact
from support.tfjs import HANGS, STARTS, VERSION, children, keep_script, wait_for_event

from tfjs_compat.engine import cache
from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.artifact_report import artifact_report
from tfjs_compat.system.context import Context
from tfjs_compat.system.process import ExitStatus, Limits
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.exits import TfjsExit
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.tfjs_check import ArtifactUnderTest, check_converted, read_run

LOADING = {"event": "stage", "stage": "load", "status": "start"}
PREDICTING = {"event": "stage", "stage": "predict", "status": "start"}
REFUSED = {"event": "failure", "error": {"type": "ValueError", "message": "Unknown layer: X"}}
FULL = {"event": "failure", "error": {"type": "Error", "message": "ENOSPC: no space left on device, write"}}


def ended(code: int = 0, fault: str | None = None, limit: str | None = None) -> TfjsExit:
    return TfjsExit(ExitStatus(code, limit, 1.0, 0), fault)


KILLED = ended(-9, "Node was killed by SIGKILL (possibly out of memory)")


@pytest.mark.parametrize(
    ("events", "end", "stage", "machinery", "failure"),
    [
        ([LOADING, PREDICTING], ended(), Stage.PREDICT, None, None),
        ([LOADING], KILLED, Stage.LOAD, f"{KILLED.fault} during load", None),
        ([LOADING, PREDICTING], KILLED, Stage.PREDICT, f"{KILLED.fault} during predict", None),
        ([], KILLED, Stage.LOAD, f"{KILLED.fault} during load", None),
        # What the model did before the kill is known.
        ([LOADING, REFUSED], KILLED, Stage.LOAD, None, "ValueError: Unknown layer: X"),
        ([LOADING, REFUSED], ended(1), Stage.LOAD, None, "ValueError: Unknown layer: X"),
        ([LOADING], ended(-6), Stage.LOAD, None, "TensorFlow.js was ended by signal SIGABRT during load"),
        ([LOADING], ended(-9, limit="over its time limit of 3 s"), Stage.LOAD, None, "time limit of 3 s during load"),
        ([LOADING, PREDICTING, FULL], ended(1), Stage.PREDICT, "Error: ENOSPC: no space left", "ENOSPC"),
    ],
)
def test_whose_fault_an_end_is(
    events: list[dict[str, Any]], end: TfjsExit, stage: Stage, machinery: str | None, failure: str | None
) -> None:
    outcome = read_run(events, end, Outcome(Stage.CHECK), "node")
    assert outcome.stage is stage
    assert (outcome.machinery is None) is (machinery is None)
    assert (outcome.failure is None) is (failure is None)
    assert machinery is None or machinery in str(outcome.machinery)
    assert failure is None or failure in str(outcome.failure)
    assert outcome.limited is (end.status.limit_exceeded is not None)


def test_no_start_and_own_errors_are_machinery() -> None:
    with pytest.raises(MachineryError, match="did not start: it ended with exit code 127"):
        read_run([], ended(127), Outcome(Stage.CHECK), "node")
    lost = {"event": "failure", "error": {"type": "ContextLost", "message": "x", "internal": True}}
    with pytest.raises(MachineryError, match="ContextLost: x"):
        read_run([LOADING, lost], ended(1), Outcome(Stage.CHECK), "browser")


# ------------------------------------------------------------------------------------------------- with a real Node


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    put_artifact(tmp_path / "case" / "artifact", one_dense(), WEIGHTS)
    return tmp_path / "case"


def check(case: Path, store: Store, *, warm: bool = False, seconds: float = 60.0) -> Outcome:
    runtime = TfjsRuntime(Context(store, limits=Limits(seconds=seconds)), "node", "wheel")
    if warm:
        runtime.prepare(case, VERSION)
    subject = ArtifactUnderTest(case, "layers", VERSION)
    try:
        return check_converted(subject, Outcome(Stage.CHECK), runtime, Stage.LOAD)
    finally:
        runtime.warm_nodes.end()


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_node_killed_from_outside_is_an_error(
    case: Path, store: Store, tmp_path: Path, number: signal.Signals, warm: bool
) -> None:
    keep_script(store, HANGS)
    with ThreadPoolExecutor(1) as executor:
        checked = executor.submit(check, case, store, warm=warm)
        wait_for_event(case / "tfjs.jsonl", '"start"')
        # The guard's command line names the program too.
        (node,) = [child for child in children("tfjs_run.js") if "guard.py" not in " ".join(child.cmdline())]
        node.send_signal(number)
        outcome = checked.result(30)
    possibly = " (possibly out of memory)" if number is signal.SIGKILL else ""
    assert outcome.machinery == f"Node was killed by {number.name}{possibly} during load"
    assert outcome.failure is None
    assert artifact_report("case", outcome).verdict is Verdict.ERROR
    assert not cache.keep("key", outcome, case, store)
    assert children("tfjs_run.js") == []


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_node_that_aborts_by_itself_is_a_failure(case: Path, store: Store) -> None:
    keep_script(store, STARTS + "module.exports.loadLayersModel = () => process.abort();")
    outcome = check(case, store)
    assert outcome.machinery is None
    assert outcome.failure is not None
    assert outcome.failure.message == "TensorFlow.js was ended by signal SIGABRT during load"
    assert artifact_report("case", outcome).verdict is Verdict.FAILS


def test_a_full_heap_is_a_failure(case: Path, store: Store) -> None:
    eats = "const all = []; module.exports.loadLayersModel = () => { for (;;) all.push(new Array(1e6).fill(all)); };"
    keep_script(store, "require('v8').setFlagsFromString('--max-old-space-size=64');" + STARTS + eats)
    outcome = check(case, store)
    assert outcome.machinery is None
    assert outcome.failure is not None
    assert "SIGABRT" in outcome.failure.message or "SIGTRAP" in outcome.failure.message
