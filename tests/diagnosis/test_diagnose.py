"""What an outcome means."""

from __future__ import annotations

import msgspec
import pytest
from support.samples import parity

from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.outcomes.failures import Failure, Finding, Lacking
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.reference import NoProof, Reference, Strength
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


@pytest.mark.parametrize(("shown", "said"), [(26, "only 26 of 53 weight tensors show"), (27, ""), (53, "")])
def test_a_proof_that_leaves_out_most_of_a_model_says_so(shown: int, said: str) -> None:
    reference = Reference(strength=Strength(53, shown, ("a/kernel",)))
    found = diagnose(msgspec.structs.replace(outcome(parity=parity()), reference=reference), Stage.PREDICT)
    assert found.verdict is Verdict.WORKS
    assert found.message.startswith(said)
    assert bool(found.message) is bool(said)


def test_a_weak_proof_says_what_makes_it_so_where_that_is_known() -> None:
    reference = Reference(strength=Strength(53, 9, ("a/kernel",), ("block/gamma", "other/gamma")))
    found = diagnose(msgspec.structs.replace(outcome(parity=parity()), reference=reference), Stage.PREDICT)
    assert found.message.endswith("; what is multiplied by block/gamma, … hardly counts: zero or nearly")


def test_a_branch_that_no_input_takes_is_named() -> None:
    reference = Reference(conditionals=2, one_sided=("model/far/cond",), strength=Strength(53, 53))
    found = diagnose(msgspec.structs.replace(outcome(parity=parity()), reference=reference), Stage.PREDICT)
    assert found.verdict is Verdict.WORKS
    assert found.message == "no input takes both branches of model/far/cond: one of them was not compared"


def test_why_nothing_is_proven_is_said_in_the_words_of_the_reference() -> None:
    reference = Reference(no_proof=NoProof.DEAD_RELU, why="output y is all zero: what its last ReLU is given …")
    found = diagnose(msgspec.structs.replace(outcome(parity=parity(True, False)), reference=reference), Stage.PREDICT)
    assert found.issues == ("proves-nothing",)
    assert found.message.endswith(reference.why)


def test_what_no_release_has_is_the_message_and_the_way_out() -> None:
    operations = ("StringLower", "StringSplitV2", "Substr", "AsString", "StringJoin")
    failure = Failure(
        Stage.CONVERT,
        "AssertionError: Identity is not in graph",
        lacking=(Lacking("text", operations, ("words (TextVectorization)",)), Lacking("python", ("PyFunc",))),
        split='keras.Model(model.get_layer("words").output, model.output)',
    )
    diagnosis = diagnose(outcome(Stage.CONVERT, failure=failure), Stage.PREDICT)
    assert diagnosis.issues == ("text-in-graph", "python-in-graph")
    assert diagnosis.message == (
        "StringLower, StringSplitV2, Substr, AsString and 1 more of words (TextVectorization); PyFunc; "
        'the model behind: `keras.Model(model.get_layer("words").output, model.output)`'
    )
