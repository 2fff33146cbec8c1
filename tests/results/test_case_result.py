from __future__ import annotations

import itertools

import msgspec
import pytest
from support.samples import DATA, case, parity

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.diagnosis.diagnose import verdict_of
from tfjs_compat.locks.conflicts import explain
from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.failures import Failure, Finding, Raised
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.reference import Reference
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import case_result

BROKEN = Failure(
    Stage.CONVERT,
    "Exception: Error dumping weights, duplicate weight name kernel",
    (Raised("Exception", "Error dumping weights, duplicate weight name kernel"),),
)
UNKNOWN = Failure(Stage.BUILD, "ValueError: no lstm_3 at all", (Raised("ValueError", "no lstm_3 at all"),))
PARITIES = [None, parity(), parity(informative=False), parity(agrees=False), parity(agrees=False, informative=False)]


@pytest.mark.parametrize(
    ("machinery", "failure", "compared"), list(itertools.product([None, "disk full"], [None, BROKEN], PARITIES))
)
def test_the_verdict_over_all_that_can_come_together(machinery, failure, compared) -> None:
    verdict = verdict_of(Outcome(Stage.PREDICT, failure, machinery, parity=compared))
    if machinery:
        assert verdict is Verdict.ERROR
    elif failure:
        assert verdict is Verdict.FAILS
    elif compared is None:
        assert verdict is Verdict.CONVERTS
    elif not compared.agrees:
        assert verdict is Verdict.MISMATCH
    else:
        assert verdict is (Verdict.WORKS if compared.informative else Verdict.CONVERTS)


@pytest.mark.parametrize("stage", Stage)
def test_nothing_works_without_a_comparison_that_proves_something(stage: Stage) -> None:
    for compared in (None, parity(informative=False), parity(agrees=False)):
        assert verdict_of(Outcome(stage, parity=compared)) is not Verdict.WORKS


def test_a_case_that_works() -> None:
    resolved = {"tensorflow": "2.16.1", "keras": "2.16.0"}
    outcome = Outcome(
        Stage.PREDICT,
        parity=parity(),
        seconds={"convert": 0.3},
        resolved=resolved,
        lock="abc",
        log="log.txt",
        tfjs="4.22.0",
        runtime="node cpu",
        keras_in_use="2.16.0",
    )
    result = case_result(case(), outcome, Stage.PREDICT)
    assert (
        result.verdict,
        result.stage,
        result.issue,
        result.issues,
        result.signature,
        result.message,
        result.remedies,
    ) == (*(Verdict.WORKS, Stage.PREDICT, None, (), None, "", ()),)
    assert result.as_expected
    assert (result.id, result.model, result.route, result.resolved) == (case().id, "zoo:mlp", "layers", resolved)
    assert (result.lock, result.log, result.tfjs, result.runtime, result.keras_in_use) == (
        *("abc", f"cases/{case().id}/abc/log.txt", "4.22.0", "node cpu", "2.16.0"),
    )


def test_a_known_failure_brings_its_remedies() -> None:
    resolved = {"tensorflow": "2.16.1", "keras": "3.2.1"}
    result = case_result(case(), Outcome(Stage.CONVERT, BROKEN, resolved=resolved), Stage.PREDICT)
    assert (result.verdict, result.stage, result.issue) == (Verdict.FAILS, Stage.CONVERT, "duplicate-weight-name")
    assert result.signature == "Exception: Error dumping weights, duplicate weight name kernel"
    assert result.message == BROKEN.message
    assert result.remedies == tuple(remedy.title for remedy in catalogue()["duplicate-weight-name"].remedies)
    assert not result.as_expected


def test_only_remedies_for_this_case_are_named() -> None:
    resolved = {"tensorflow": "2.16.1", "keras": "3.5.0"}
    legacy = case("graph", process_env="legacy-keras", constraints=("setuptools<81",))
    result = case_result(legacy, Outcome(Stage.CONVERT, BROKEN, resolved=resolved), Stage.PREDICT)
    assert result.remedies == ("use TensorFlow 2.15.0 with Keras 2 and `setuptools<81`",)


def test_what_is_suspicious_brings_its_remedies_where_numbers_differ() -> None:
    ignored = Finding("mask-ignored", "$.a", "averages over masked steps too", "warning")
    outcome = Outcome(Stage.PREDICT, parity=parity(agrees=False), findings=(ignored,))
    assert case_result(case(), outcome, Stage.PREDICT).remedies == ("use the graph route",)
    # On the graph route nothing of that is left to do.
    assert "use the graph route" not in case_result(case("graph"), outcome, Stage.PREDICT).remedies


def test_no_remedy_is_of_another_format() -> None:
    outcome = Outcome(Stage.PREDICT, parity=parity(agrees=False))
    of_layers, of_graph = (case_result(case(route), outcome, Stage.PREDICT).remedies for route in ("layers", "graph"))
    assert not any("control_flow_v2" in title for title in of_layers)
    assert any("control_flow_v2" in title for title in of_graph)


def test_a_function_is_not_sent_to_the_layers_route() -> None:
    outcome = Outcome(Stage.PREDICT, parity=parity(agrees=False), reference=Reference(signature="__call__"))
    assert not any("layers" in title for title in case_result(case("graph"), outcome, Stage.PREDICT).remedies)


def test_an_unknown_failure_stays_unknown_with_its_signature() -> None:
    result = case_result(case(), Outcome(Stage.BUILD, UNKNOWN), Stage.PREDICT)
    assert (result.issue, result.issues, result.remedies) == (None, (), ())
    assert result.signature == "ValueError: no lstm at all"


def test_findings_are_named_in_order_without_catalogue_entries() -> None:
    findings = (
        Finding("of-the-checks-own", "$.a", "first"),
        Finding("keras3-weight-prefix", "$.b", "second"),
        Finding("of-the-checks-own", "$.c", "again"),
        Finding("unsupported-ops", "$.d", "only suspected", "warning"),
    )
    failure = Failure(Stage.CHECK, "$.a: first", findings=findings)
    result = case_result(case(), Outcome(Stage.CHECK, failure, findings=findings), Stage.PREDICT)
    assert set(result.issues) == {"of-the-checks-own", "keras3-weight-prefix"}
    assert len(result.issues) == 2
    assert result.issue == result.issues[0]
    assert result.findings == findings


def test_where_nothing_resolves_the_versions_asked_for_decide() -> None:
    answer = explain((DATA / "resolver" / "tf2.20.0-tfjs4.22.0-py311.txt").read_text("utf-8"))
    failure = Failure(Stage.RESOLVE, answer.message, packages=answer.packages, text=answer.text)
    outcome = Outcome(Stage.RESOLVE, failure)
    assert case_result(case(tensorflow="2.20.0"), outcome, Stage.PREDICT).issues == ("tfdf-unresolvable",)
    assert case_result(case(tensorflow="2.16.1"), outcome, Stage.PREDICT).issues == ()


def test_the_machinery_says_nothing_of_the_case() -> None:
    result = case_result(case(), Outcome(Stage.CONVERT, BROKEN, "no space left on device"), Stage.PREDICT)
    assert (result.verdict, result.message) == (Verdict.ERROR, "no space left on device")
    assert (result.issue, result.issues, result.signature, result.remedies) == (None, (), None, ())
    assert not result.as_expected


@pytest.mark.parametrize(
    ("outcome", "verdict", "issue", "said"),
    [
        (
            Outcome(Stage.PREDICT, parity=parity(agrees=False)),
            Verdict.MISMATCH,
            "numbers-differ",
            "3 of 4 values differ",
        ),
        (
            Outcome(Stage.PREDICT, parity=parity(informative=False)),
            Verdict.CONVERTS,
            "proves-nothing",
            "output y is constant",
        ),
        (
            Outcome(Stage.CHECK, unproven="ValueError: no inputs for strings"),
            *(Verdict.CONVERTS, "proves-nothing", "ValueError: no inputs for strings"),
        ),
    ],
)
def test_numbers_that_differ_or_prove_nothing(outcome: Outcome, verdict: Verdict, issue: str, said: str) -> None:
    result = case_result(case(), outcome, Stage.PREDICT)
    assert (result.verdict, result.issue) == (verdict, issue)
    assert said in result.message
    assert not result.as_expected
    assert issue in catalogue()


@pytest.mark.parametrize("until", [Stage.CONVERT, Stage.CHECK, Stage.LOAD])
def test_a_case_that_was_asked_to_stop_converts(until: Stage) -> None:
    result = case_result(case(), Outcome(until), until)
    assert (result.verdict, result.stage, result.issues, result.as_expected) == (Verdict.CONVERTS, until, (), True)


def test_the_matrix_is_held_to_what_it_says() -> None:
    expected = Expectation(verdict=Verdict.FAILS, issue="duplicate-weight-name", keras="3.2.*", reason="x")
    subject = msgspec.structs.replace(case(), expected=expected)
    for keras, fine in (("3.2.1", True), ("3.3.3", False)):
        result = case_result(subject, Outcome(Stage.CONVERT, BROKEN, resolved={"keras": keras}), Stage.PREDICT)
        assert result.expected == expected
        assert result.as_expected is fine


HOSTILE = "ValueError: \x1b[31mred\x1b[0m\x1b]0;title\x07 and \x00 \x9b2J\nsecond line\r\x08 end"


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Stage.BUILD, Failure(Stage.BUILD, HOSTILE, (Raised("ValueError", HOSTILE),))),
        Outcome(Stage.LOAD, machinery=HOSTILE),
        Outcome(Stage.PREDICT, unproven=HOSTILE),
    ],
)
def test_nothing_that_a_terminal_would_obey_is_recorded(outcome: Outcome) -> None:
    result = case_result(case(), outcome, Stage.PREDICT)
    for text in (result.message, result.signature or ""):
        assert all(char == "\n" or char.isprintable() for char in text)
    assert "red and" in result.message
    assert "\nsecond line" in result.message
