"""What an outcome means."""

from __future__ import annotations

import pytest
from support.samples import parity

from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.outcomes.failures import Failure, Finding
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict

SUSPICION = Finding("ignored-setting", "$.modelTopology", "it is passed over", "warning")


def outcome(stage: Stage = Stage.PREDICT, **changed: object) -> Outcome:
    return Outcome(stage, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "verdict", "issues"),
    [
        (outcome(parity=parity()), Verdict.WORKS, ()),
        (outcome(parity=parity(True, False)), Verdict.CONVERTS, ("proves-nothing",)),
        (outcome(), Verdict.CONVERTS, ("proves-nothing",)),
        (outcome(parity=parity(False)), Verdict.MISMATCH, ("numbers-differ",)),
        (
            outcome(parity=parity(False), findings=(SUSPICION,)),
            Verdict.MISMATCH,
            ("numbers-differ", SUSPICION.id),
        ),
        (outcome(machinery="the disk is full", failure=Failure(Stage.LOAD, "x")), Verdict.ERROR, ()),
        (outcome(failure=Failure(Stage.LOAD, "as never before")), Verdict.FAILS, ()),
    ],
)
def test_verdict_and_issues_follow_from_the_outcome(given: Outcome, verdict: Verdict, issues: tuple[str, ...]) -> None:
    diagnosis = diagnose(given, Stage.PREDICT)
    assert (diagnosis.verdict, diagnosis.issues) == (verdict, issues)


def test_findings_of_a_failure_decide_in_their_order() -> None:
    findings = (Finding("weights-missing", "$", "m"), SUSPICION, Finding("unknown-layer", "$", "m"))
    diagnosis = diagnose(outcome(Stage.CHECK, failure=Failure(Stage.CHECK, "m", findings=findings)), Stage.PREDICT)
    assert diagnosis.issues == ("weights-missing", "unknown-layer")


def test_requested_versions_count_where_none_were_resolved() -> None:
    failure = Failure(Stage.RESOLVE, "m", packages=("tensorflow-decision-forests",))
    assert diagnose(outcome(Stage.RESOLVE, failure=failure), Stage.PREDICT).issues == ()
    diagnosis = diagnose(outcome(Stage.RESOLVE, failure=failure), Stage.PREDICT, {"tensorflow": "2.20.0"})
    assert diagnosis.issues == ("tfdf-unresolvable",)


def test_a_message_holds_nothing_that_a_terminal_obeys() -> None:
    failure = Failure(Stage.LOAD, "\x1b[31mred\x1b[0m\x07")
    assert "\x1b" not in diagnose(outcome(Stage.LOAD, failure=failure), Stage.PREDICT).message
