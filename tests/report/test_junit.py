from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from support.hostile import hostile_results
from support.samples import DATA, FORESEEN, combination, failed, result, results

from tfjs_compat.outcomes.reference import Reference, Strength
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import junit
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import Results

NEWER = combination(tensorflow="2.17.1")


xmlschema = pytest.importorskip("xmlschema", reason="checks XML against a schema")
SCHEMA = xmlschema.XMLSchema(DATA / "junit.xsd")


def total(top: ElementTree.Element, what: str) -> int:
    return sum(int(suite.get(what, "")) for suite in top)


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_breaks_xml(found: Results) -> None:
    top = ElementTree.fromstring(junit.render(found, Place()).encode())
    SCHEMA.validate(top)
    tests = list(top.iter("testcase"))
    assert len(tests) == max(1, len(found.cases)) == total(top, "tests")
    texts = ("properties", "property", "failure", "error", "system-out", "system-err")
    assert {element.tag for element in top.iter()} <= {"testsuites", "testsuite", "testcase", *texts}


def test_a_case_is_a_test_and_a_foreseen_failure_passes() -> None:
    cases = (
        result(id="a"),
        failed(id="b", expected=FORESEEN, as_expected=True),
        failed(id="c", combination=NEWER),
        result(id="d", verdict=Verdict.ERROR, message="no space left", as_expected=False, combination=NEWER),
        result(id="e", expected=FORESEEN, as_expected=False, combination=NEWER),
    )
    top = ElementTree.fromstring(junit.render(results(*cases), Place()).encode())
    assert [tuple(map(suite.get, ("name", "tests", "failures", "errors"))) for suite in top] == [
        ("tf2.16.1-tfjs4.17.0-py3.11", "2", "0", "0"),
        ("tf2.17.1-tfjs4.17.0-py3.11", "3", "2", "1"),
    ]
    tests = {test.get("name"): test for test in top.iter("testcase")}
    assert tests["layers [a]"].get("classname") == "zoo:mlp"
    assert list(tests["layers [a]"]) == []
    assert list(tests["layers [b]"]) == []
    output = top[0].findtext("system-out") or ""
    assert "layers [b]: as expected: fails at convert: duplicate-weight-name" in output
    assert "bare weight names" in output
    (failure,) = tests["layers [c]"]
    assert failure.tag == "failure"
    assert "duplicate-weight-name" in str(failure.get("message"))
    assert "Error dumping weights" in (failure.text or "")
    assert [element.tag for element in tests["layers [d]"]] == ["error"]
    assert "expected: fails at convert" in str(tests["layers [e]"][0].get("message"))


def test_a_part_of_a_run_is_not_green() -> None:
    top = ElementTree.fromstring(junit.render(results(result(), complete=False, planned=7), Place()).encode())
    assert (total(top, "tests"), total(top, "errors")) == (2, 1)
    (error,) = top.iter("error")
    assert "1 of 7 cases finished" in str(error.get("message"))


def test_what_works_says_what_it_rests_on() -> None:
    found = results(result(id="whole", reference=Reference(strength=Strength(8, 8))), failed())
    output = ElementTree.fromstring(junit.render(found, Place())).findtext(".//system-out") or ""
    assert "[whole]: works by 1 comparison, all 8 weight tensors show" in output
