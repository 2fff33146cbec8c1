from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from support.hostile import hostile_results
from support.pages import Page, read_safely
from support.samples import FORESEEN, combination, failed, parity, result, results

from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.parity import OutputParity
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import html
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results

NEWER = combination(tensorflow="2.17.1")


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_becomes_markup_in_html(found: Results) -> None:
    read_safely(html.render(found, Place()))


def test_hostile_text_is_shown_as_it_is() -> None:
    nasty = "<script>alert('x')</script>"
    page = read_safely(html.render(results(failed(message=nasty, model=nasty), matrix=nasty), Place()))
    assert page.text.count(nasty) >= 4


def test_logs_are_linked_only_inside_the_output_folder() -> None:
    logs = ["javascript:alert(1)", "//evil.example/x", "/etc/passwd", "a/../../b", "cases/a b/log.txt"]
    page = Page(html.render(results(*[result(id=log, log=log, lock=None) for log in logs]), Place(Path("../out"))))
    links = [link for link in page.attributes("href") if not link.startswith("#")]
    assert links == [
        *("../out/javascript%3Aalert%281%29", "../out/./artifact/model.json"),
        *("../out/cases/a%20b/log.txt", "../out/cases/a%20b/artifact/model.json"),
    ]


def test_a_page_has_what_a_reader_needs() -> None:
    rows = [OutputParity("dense", [3, 1], "float32", False, True, 1e-5, 0.25, 0.5, disagreement="3 of 3 values differ")]
    differs = result(
        id="b",
        verdict=Verdict.MISMATCH,
        issue="numbers-differ",
        issues=("numbers-differ",),
        message="predictions differ",
        parity=msgspec.structs.replace(parity(agrees=False), outputs=rows),
        findings=(Finding("wiring", "$.modelTopology.x", "odd", "warning"),),
        as_expected=False,
        combination=NEWER,
    )
    page = read_safely(
        html.render(results(result(id="a"), differs, left_out=("zoo:x at tf2: no such route",)), Place())
    )
    for text in (
        *("1 of 2 cases did not end as expected.", "1 works", "1 mismatch", "tensorflowjs 4.17.0", "2.17.1"),
        *("numbers-differ", "$.modelTopology.x", "3 of 3 values differ", "0.25", "4.2 s", "left out"),
    ):
        assert text in page.text
    assert set(page.attributes("href")) >= {"#case-a", "#case-b", "#cause-1", "./cases/mlp-layers/log.txt"}
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= set(ids)
    assert {attrs.get("scope") for tag, attrs in page.elements if tag == "th"} <= {"col", "row", "colgroup"}
    assert ("html", {"lang": "en"}) in page.elements


def test_a_page_asks_the_network_for_nothing() -> None:
    text = html.render(results(result(), failed()), Place())
    assert "default-src 'none'" in text
    assert not re.search(r"<(link|img|iframe)|<script[^>]* src|@import|url\(", text)


def test_an_unexpected_result_has_a_mark_that_is_explained() -> None:
    page = Page(html.render(results(result(), failed(), failed(expected=FORESEEN, as_expected=True)), Place()))
    assert page.text.count("unexpected") >= 3, "in the table, at the case, in the legend"


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (result(), "Expectation: works (no [[expect]] matches it). Result: as expected."),
        (failed(expected=FORESEEN), "Expectation: fails at convert (bare weight names). Result: not as expected."),
        (result(verdict=Verdict.ERROR, as_expected=False), "Result: unknown (machinery error)."),
    ],
)
def test_a_case_says_whether_it_is_as_expected(case: CaseResult, sentence: str) -> None:
    assert sentence in " ".join(Page(html.render(results(case), Place())).text.split())


def test_missing_cases_of_a_part_are_not_called_impossible() -> None:
    cases = [result(model="zoo:a"), result(model="zoo:b"), result(model="zoo:b", route="graph")]
    whole = Page(html.render(results(*cases), Place()))
    part = Page(html.render(results(*cases, complete=False, planned=4), Place()))
    assert "no such case" in whole.text
    assert "·no such case" not in part.text
    assert "not finished, or no such case" in part.text


@pytest.mark.parametrize(
    ("output", "base"),
    [(Path(), "./"), (Path("out"), "./out/"), (Path("../a b"), "../a%20b/"), (Path("/o"), "file:///o/")],
)
def test_links_begin_with_the_output_folder(output: Path, base: str) -> None:
    page = Page(html.render(results(result()), Place(output)))
    assert f"{base}cases/mlp-layers/log.txt" in page.attributes("href")
