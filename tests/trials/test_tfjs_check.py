"""What a run in TensorFlow.js comes to, by its record and its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.handmade import DENSE, VOCABULARY, dense, keras3_model, layer, sequential, write

from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.process import ExitStatus
from tfjs_compat.trials.runtimes.exits import TfjsExit
from tfjs_compat.trials.tfjs_check import left_by_repair, read_run

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


def test_errors_that_a_repair_leaves_are_named(tmp_path: Path) -> None:
    curable = write(tmp_path / "curable", {"model_config": keras3_model()}, DENSE)
    assert "unknown-layer" not in left_by_repair(curable, VOCABULARY)
    custom = sequential(dense("dense", batch_input_shape=[None, 4]), layer("Mine", "mine"))
    assert left_by_repair(write(tmp_path / "custom", custom, DENSE), VOCABULARY) == ("unknown-layer",)
    assert left_by_repair(tmp_path / "nothing", VOCABULARY) == ()
