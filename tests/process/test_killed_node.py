"""Real Nodes that are killed from outside, or end themselves, while they load what a test gives them."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.artifacts import WEIGHTS, one_dense, put_artifact
from support.tfjs import HANGS, STARTS, VERSION, children, keep_script, wait_for_event

from tfjs_compat.engine import cache
from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.artifact_report import artifact_report
from tfjs_compat.system.context import Context
from tfjs_compat.system.process import Limits
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.tfjs_check import ArtifactUnderTest, check_converted
from tfjs_compat.workflows import check as workflow


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
        (node,) = [child for child in children("run_in_node.mjs") if "guard.py" not in " ".join(child.cmdline())]
        node.send_signal(number)
        outcome = checked.result(30)
    possibly = " (possibly out of memory)" if number is signal.SIGKILL else ""
    assert outcome.machinery == f"Node was killed by {number.name}{possibly} during load"
    assert outcome.failure is None
    assert artifact_report("case", outcome).verdict is Verdict.ERROR
    assert not cache.keep("key", outcome, case, store)
    assert children("run_in_node.mjs") == []


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_node_that_aborts_by_itself_is_a_failure(case: Path, store: Store) -> None:
    keep_script(store, STARTS + "module.exports.loadLayersModel = () => process.abort();")
    outcome = check(case, store)
    assert outcome.machinery is None
    assert outcome.failure is not None
    assert outcome.failure.message == "TensorFlow.js was ended by signal SIGABRT during load"
    assert artifact_report("case", outcome).verdict is Verdict.FAILS


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_full_heap_is_a_failure(case: Path, store: Store) -> None:
    # The size of a heap is set when Node starts: a small one fills up, and the Node that loads ends the same way.
    fill = "const all = []; for (;;) all.push(new Array(1e5).fill(all));"
    ends = (
        "module.exports.loadLayersModel = () => { const child = require('child_process').spawnSync("
        f"process.execPath, ['--max-old-space-size=32', '-e', '{fill}']); process.kill(process.pid, child.signal); }};"
    )
    keep_script(store, STARTS + ends)
    outcome = check(case, store)
    assert outcome.machinery is None
    assert outcome.failure is not None
    assert "SIGABRT" in outcome.failure.message or "SIGTRAP" in outcome.failure.message


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_check_whose_node_is_killed_has_no_verdict(case: Path, store: Store) -> None:
    keep_script(store, HANGS)
    scratch = store.folder("scratch")
    with ThreadPoolExecutor(1) as executor:
        checked = executor.submit(workflow.check, case / "artifact", tfjs=VERSION, store=store)
        while not (records := list(scratch.glob("check-*/tfjs.jsonl"))):
            assert not checked.done()
        wait_for_event(records[0], '"start"')
        for child in children("run_in_node.mjs"):
            child.kill()
        with pytest.raises(MachineryError, match="Node was killed by SIGKILL"):
            checked.result(30)
    assert list(scratch.iterdir()) == []
