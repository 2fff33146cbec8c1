from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from support.samples import ROOT, combination, result, results

from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import Results, json_schema
from tfjs_compat.results.expectations import as_expected
from tfjs_compat.results.files import write_results
from tfjs_compat.results.machine import machine_facts

WORKS, CONVERTS, MISMATCH, FAILS, ERROR = Verdict
PREDICT, CONVERT, CHECK, IMPORT, LOAD = Stage.PREDICT, Stage.CONVERT, Stage.CHECK, Stage.IMPORT, Stage.LOAD


def says(
    verdict: Verdict | None = None, stage: Stage | None = None, issue: str | None = None, keras: str | None = None
):
    return Expectation(verdict=verdict, stage=stage, issue=issue, keras=keras, reason="because")


@pytest.mark.parametrize(
    ("expected", "verdict", "stage", "issues", "fine"),
    [
        # Nothing is said: it has to work.
        (None, WORKS, PREDICT, (), True),
        (None, CONVERTS, PREDICT, ("proves-nothing",), False),
        (None, MISMATCH, PREDICT, ("numbers-differ",), False),
        (None, FAILS, CONVERT, (), False),
        (None, ERROR, IMPORT, (), False),
        (says(), WORKS, PREDICT, (), True),
        (says(WORKS), WORKS, PREDICT, (), True),
        (says(WORKS), FAILS, CONVERT, (), False),
        (says(WORKS), ERROR, CONVERT, (), False),
        # A failure, said more or less exactly.
        (says(FAILS), FAILS, IMPORT, (), True),
        (says(FAILS), WORKS, PREDICT, (), False),
        (says(FAILS), ERROR, IMPORT, (), False),
        (says(FAILS, CONVERT), FAILS, CONVERT, (), True),
        (says(FAILS, CONVERT), FAILS, IMPORT, (), False),
        (says(None, CONVERT), FAILS, CONVERT, (), True),
        (says(None, CONVERT), WORKS, PREDICT, (), False),
        (says(None, None, "a"), FAILS, CONVERT, ("a",), True),
        (says(None, None, "a"), FAILS, CONVERT, ("b", "a"), True),
        (says(None, None, "a"), FAILS, CONVERT, ("b",), False),
        (says(None, None, "a"), FAILS, CONVERT, (), False),
        (says(None, None, "a"), WORKS, PREDICT, (), False),
        (says(FAILS, CONVERT, "a"), FAILS, IMPORT, ("a",), False),
        (says(FAILS, CONVERT, "a"), FAILS, CONVERT, ("b",), False),
        (says(FAILS, CONVERT, "a"), FAILS, CONVERT, ("a",), True),
        # The others.
        (says(MISMATCH), MISMATCH, PREDICT, ("numbers-differ",), True),
        (says(MISMATCH), WORKS, PREDICT, (), False),
        (says(CONVERTS), CONVERTS, PREDICT, ("proves-nothing",), True),
        (says(CONVERTS), WORKS, PREDICT, (), False),
        (says(CONVERTS, None, "proves-nothing"), CONVERTS, PREDICT, ("proves-nothing",), True),
        (says(ERROR), ERROR, IMPORT, (), True),
    ],
)
def test_whether_a_whole_run_ends_as_expected(expected, verdict, stage, issues, fine: bool) -> None:
    assert as_expected(expected, PREDICT, verdict, stage, issues, "3.2.1") is fine


@pytest.mark.parametrize(
    ("until", "expected", "verdict", "stage", "issues", "fine"),
    [
        # What would show only later cannot be held against it…
        (CONVERT, None, CONVERTS, CONVERT, (), True),
        (CONVERT, says(WORKS), CONVERTS, CONVERT, (), True),
        (LOAD, says(WORKS), CONVERTS, LOAD, (), True),
        (CONVERT, says(MISMATCH), CONVERTS, CONVERT, (), True),
        (CONVERT, says(FAILS, CHECK, "keras3-batch-shape"), CONVERTS, CONVERT, (), True),
        (CONVERT, says(FAILS), CONVERTS, CONVERT, (), True),
        (CONVERT, says(None, None, "keras3-batch-shape"), CONVERTS, CONVERT, (), True),
        # … but what shows before has to be as it is said.
        (CONVERT, None, FAILS, IMPORT, (), False),
        (CONVERT, says(WORKS), FAILS, IMPORT, (), False),
        (CONVERT, says(WORKS), ERROR, IMPORT, (), False),
        (CONVERT, says(FAILS, CHECK), FAILS, CONVERT, (), False),
        (CONVERT, says(FAILS, IMPORT), FAILS, IMPORT, (), True),
        (CONVERT, says(FAILS, IMPORT), CONVERTS, CONVERT, (), False),
        (CONVERT, says(FAILS, CONVERT, "a"), FAILS, CONVERT, ("a",), True),
        (CONVERT, says(FAILS, CONVERT, "a"), FAILS, CONVERT, ("b",), False),
        (CONVERT, says(FAILS, CONVERT), CONVERTS, CONVERT, (), False),
        (CONVERT, says(None, None, "a"), FAILS, IMPORT, ("a",), True),
        (CONVERT, says(None, None, "a"), FAILS, IMPORT, ("b",), False),
        (CHECK, says(FAILS, CHECK, "a"), FAILS, CHECK, ("a",), True),
        (CHECK, says(FAILS, CHECK, "a"), CONVERTS, CHECK, (), False),
        (CONVERT, says(CONVERTS), CONVERTS, CONVERT, (), True),
    ],
)
def test_whether_a_run_that_stops_early_ends_as_expected(until, expected, verdict, stage, issues, fine: bool) -> None:
    assert as_expected(expected, until, verdict, stage, issues, "3.2.1") is fine


@pytest.mark.parametrize(
    ("pattern", "keras", "fine"),
    [
        ("3.2.*", "3.2.1", True),
        ("3.2.*", "3.3.3", False),
        (">=3.3", "3.15.1", True),
        ("3.2.1", "3.2.1", True),
        ("3.*", None, True),
    ],
)
@pytest.mark.parametrize("until", [PREDICT, CONVERT])
def test_the_keras_that_was_resolved_can_be_expected_too(
    until: Stage, pattern: str, keras: str | None, fine: bool
) -> None:
    verdict, stage = (WORKS, PREDICT) if until is PREDICT else (CONVERTS, CONVERT)
    assert as_expected(says(WORKS, keras=pattern), until, verdict, stage, (), keras) is fine


SCHEMA = ROOT / "docs" / "results.schema.json"


def test_the_schema_in_docs_is_that_of_the_types() -> None:
    """After a change of the types: write ``json.dumps(json_schema(), indent=2)`` there."""
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(json.dumps(json_schema()))


def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def several() -> Results:
    requested = combination(keras="3.2.1", extra=("pandas",), constraints=("setuptools<81",), as_of="2024-04-10")
    fails = result(
        combination=requested,
        verdict=FAILS,
        stage=CHECK,
        issue="keras3-batch-shape",
        issues=("keras3-batch-shape", "keras3-weight-prefix"),
        signature="check: keras3-batch-shape",
        message="$.modelTopology…: it has",
        remedies=("legacy Keras",),
        expected=says(FAILS, CHECK, "keras3-batch-shape", "3.*"),
        parity=None,
        findings=(Finding("keras3-batch-shape", "$.modelTopology", "it has"), Finding("x", "$", "y", "warning")),
        tfjs="4.22.0",
        runtime="node cpu",
        keras_in_use="3.2.1",
    )
    lost = result(verdict=ERROR, stage=Stage.RESOLVE, lock=None, resolved={}, parity=None, log=None, as_expected=False)
    return results(result(), fails, lost, left_out=("a: b",), complete=False)


def test_results_are_written_whole_and_as_the_schema_says(tmp_path: Path) -> None:
    path = write_results(several(), tmp_path / "deep" / "er")
    assert path == tmp_path / "deep" / "er" / "results.json"
    validator().validate(json.loads(path.read_text("utf-8")))
    assert msgspec.json.decode(path.read_bytes(), type=Results) == several()
    assert [entry.name for entry in path.parent.iterdir()] == ["results.json"]


def without(key: str) -> dict[str, object]:
    content = json.loads(msgspec.json.encode(several()))
    del content["cases"][0][key]
    return content


@pytest.mark.parametrize(
    "key",
    [
        *(
            "id",
            "combination",
            "resolved",
            "lock",
            "model",
            "route",
            "verdict",
            "stage",
            "issue",
            "issues",
            "signature",
        ),
        *("message", "remedies", "expected", "seconds", "parity", "log", "cached"),
    ],
)
def test_the_schema_requires_the_promised_fields_of_a_case(key: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(without(key))


def test_the_schema_knows_the_closed_sets() -> None:
    content = json.loads(msgspec.json.encode(several()))
    content["cases"][0]["verdict"] = "fine"
    assert not validator().is_valid(content)
    content["cases"][0]["verdict"] = "works"
    assert validator().is_valid(content)
    content["cases"][0]["stage"] = "loading"
    assert not validator().is_valid(content)


def test_what_of_the_machine_can_decide_a_conversion_is_kept() -> None:
    facts = machine_facts()
    assert {"system", "machine", "python"} <= set(facts)
    assert all(isinstance(value, str) for value in facts.values())
