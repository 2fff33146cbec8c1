from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from support.hostile import hostile_results
from support.samples import FORESEEN, combination, failed, result, results

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import junit
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import Results

NEWER = combination(tensorflow="2.17.1")


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_breaks_xml(found: Results) -> None:
    top = ElementTree.fromstring(junit.render(found, Place()).encode())
    tests = list(top.iter("testcase"))
    assert len(tests) == len(found.cases) == int(top.get("tests", ""))
    assert {element.tag for element in top.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "system-out"),
    }


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
    assert (top.get("tests"), top.get("failures"), top.get("errors")) == ("5", "2", "1")
    tests = {test.get("name"): test for test in top.iter("testcase")}
    assert tests["layers [a]"].get("classname") == "zoo:mlp"
    assert list(tests["layers [a]"]) == []
    (output,) = tests["layers [b]"]
    assert output.tag == "system-out"
    assert "as expected: fails at convert: duplicate-weight-name" in (output.text or "")
    assert "bare weight names" in (output.text or "")
    (failure,) = tests["layers [c]"]
    assert failure.tag == "failure"
    assert "duplicate-weight-name" in str(failure.get("message"))
    assert "Error dumping weights" in (failure.text or "")
    assert [element.tag for element in tests["layers [d]"]] == ["error"]
    assert "expected: fails at convert" in str(tests["layers [e]"][0].get("message"))


def test_a_part_of_a_run_is_not_green() -> None:
    top = ElementTree.fromstring(junit.render(results(result(), complete=False, planned=7), Place()).encode())
    assert (top.get("tests"), top.get("errors")) == ("2", "1")
    (error,) = top.iter("error")
    assert "1 of 7 cases finished" in str(error.get("message"))
