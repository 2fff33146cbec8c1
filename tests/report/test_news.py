"""What stands first in every report, and what of a run counts as a failure."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from support.samples import combination, failed, result, results

from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.matrix.source import Source
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import markdown
from tfjs_compat.report.background import Background
from tfjs_compat.report.writers import WRITERS, Place, Writer, find_writer
from tfjs_compat.results.case_result import Attempt, CaseResult, Results
from tfjs_compat.results.comparison import Kind, compare

LOCKS = {"old": {"keras": "3.4.0"}, "new": {"keras": "3.5.0"}}
NEW_FAILURE = failed(
    id="changed", lock="new", model="zoo:changed", signature="ValueError: quite new", issue=None, issues=()
)


def known(many: int) -> list[CaseResult]:
    """Cases that fail as they did before, although nobody expects it."""
    return [failed(id=f"known-{at}", model=f"zoo:known{at}") for at in range(many)]


def night(many: int = 99) -> tuple[Results, Background]:
    """A run of which one case regressed, amid so many that fail as always."""
    before = results(*known(many), result(id="changed", lock="old"), locks=LOCKS)
    after = results(*known(many), NEW_FAILURE, locks=LOCKS, source=Source("m.toml", (), {"zoo:changed": 7}))
    return after, Background(compare(before, after))


texts = pytest.mark.parametrize(
    "writer",
    [writer for writer in WRITERS if writer.name not in ("json", "junit", "sarif")],
    ids=lambda writer: writer.name,
)


@texts
def test_what_changed_stands_before_what_is_known(writer: Writer) -> None:
    found, background = night()
    text = re.sub(r"<style>.*?</style>", "", writer.render(found, Place(), background), flags=re.DOTALL)
    text = text.replace("<wbr>", "")
    assert text.index("quite new") < text.find("zoo:known0") % len(text)
    assert "keras 3.4.0 → 3.5.0" in text
    assert "1 case regressed" in text


def test_the_terminal_folds_what_is_known() -> None:
    found, background = night()
    text = find_writer("terminal").render(found, Place(), background)
    assert "zoo:known0" not in text
    assert "and 99 cases as in the baseline: 99 fails (--all shows them)" in text
    assert len(text.splitlines()) < 24
    whole = find_writer("terminal").render(found, Place(every_case=True), background)
    assert "zoo:known98" in whole


def test_a_short_table_is_shown_whole() -> None:
    text = find_writer("terminal").render(results(*[result(id=str(at), model=f"zoo:m{at}") for at in range(16)]))
    assert "zoo:m15" in text
    assert "--all" not in text


def test_junit_fails_only_what_makes_the_run_fail() -> None:
    found, background = night()
    top = ElementTree.fromstring(find_writer("junit").render(found, Place(), background).encode())
    (failure,) = top.iter("failure")
    assert failure.get("type") == "regressed"
    assert "(before: works)" in str(failure.get("message"))
    assert "changed: keras 3.4.0 → 3.5.0" in str(failure.text)
    without = ElementTree.fromstring(find_writer("junit").render(found).encode())
    assert len(list(without.iter("failure"))) == 100


def test_junit_fails_a_case_that_is_gone_where_that_counts() -> None:
    background = Background(compare(results(result(id="a"), result(id="b")), results(result(id="b"))), {Kind.GONE})
    top = ElementTree.fromstring(find_writer("junit").render(results(result(id="b")), Place(), background).encode())
    assert [failure.get("type") for failure in top.iter("failure")] == ["gone"]


def commands(found: Results, background: Background | None = None) -> list[str]:
    return find_writer("github").render(found, Place(), background).splitlines()


def test_annotations_point_at_the_model_in_the_matrix() -> None:
    first, *rest = commands(*night())
    assert first.startswith("::error file=m.toml,line=7,title=1 × regressed%3A ValueError%3A quite new::")
    assert "%0Apackages: keras 3.4.0 → 3.5.0" in first
    assert [line.split()[0] for line in rest] == ["::notice"]


def test_annotations_point_at_the_expectation_that_is_not_met() -> None:
    rule = Expectation(verdict=Verdict.FAILS, reason="x", rule=1)
    source = Source("m.toml", (10, 20), {})
    found = results(result(as_expected=False, expected=rule), source=source)
    assert commands(found)[0].startswith("::error file=m.toml,line=20,title=1 × works::")


def test_annotations_of_one_cause_are_one() -> None:
    lines = commands(results(*known(30)))
    assert [line.split()[0] for line in lines] == ["::error", "::notice"]
    assert "30 × fails at convert" in lines[0]
    assert "and 22 more" in lines[0]


def test_no_text_becomes_a_command_of_its_own() -> None:
    nasty = "x\n::error::mine\r\n%0A,a:b"
    lines = commands(results(failed(message=nasty, model=nasty, signature=nasty, issue=None, issues=())))
    assert all(re.match(r"::(error|notice) title=[^:,]*::[^\r\n]*$", line) for line in lines)


def test_an_unfinished_run_is_an_error() -> None:
    assert commands(results(result(), complete=False, planned=3))[0].startswith("::error ")


def test_a_case_the_baseline_lacks_is_held_to_the_matrix() -> None:
    found = results(failed(id="new"), result(id="b"))
    background = Background(compare(results(result(id="b")), found))
    assert background.failures(found) == {"new"}
    assert "1 case that the baseline lacks did not end as expected." in find_writer("terminal").render(
        found, Place(), background
    )


def test_a_flaky_case_shows_both_ends() -> None:
    ends = [
        Attempt(Verdict.FAILS, Stage.LOAD, None, "x", "x", None),
        Attempt(Verdict.WORKS, Stage.PREDICT, *[None] * 2, "", None),
    ]
    flaky = result(verdict=Verdict.FAILS, stage=Stage.LOAD, attempts=tuple(ends), id="f")
    background = Background(compare(results(result(id="f")), results(flaky)))
    text = find_writer("terminal").render(results(flaky), Place(), background)
    assert "works → flaky: fails at load, then works" in text
    assert background.failures(results(flaky)) == frozenset()


def test_sarif_says_what_is_new_and_where() -> None:
    found, background = night(2)
    (run,) = json.loads(find_writer("sarif").render(found, Place(), background))["runs"]
    states = [(result["baselineState"], result["level"], result["ruleId"]) for result in run["results"]]
    assert states == [("unchanged", "note", "duplicate-weight-name")] * 2 + [("new", "error", "unknown-cause")]
    (place,) = run["results"][2]["locations"]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "m.toml"}, "region": {"startLine": 7}}
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["duplicate-weight-name", "unknown-cause"]
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_keeps_faults_of_the_machinery_apart() -> None:
    error = result(verdict=Verdict.ERROR, message="No space left")
    (run,) = json.loads(find_writer("sarif").render(results(error)))["runs"]
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False


# ------------------------------------------------------------------------------------------------------- expectations


def unescaped(text: str) -> str:
    return text.replace("&#91;", "[").replace("&#93;", "]")


def ruled(verdict: Verdict, many: int, **rule: object) -> list[CaseResult]:
    said = Expectation(**{"verdict": Verdict.FAILS, "reason": "because", "rule": 3, **rule})
    make = result if verdict is Verdict.WORKS else failed
    return [make(id=f"{verdict}{at}", expected=said) for at in range(many)]


@texts
def test_an_expectation_that_is_not_needed_any_more(writer: Writer) -> None:
    text = unescaped(writer.render(results(*ruled(Verdict.WORKS, 2))))
    assert "expect[3] (because) is not needed any more: 2 cases of it, and all work." in text


@texts
def test_an_expectation_that_has_expired(writer: Writer) -> None:
    rule = {"expires": "2026-01-01", "expired": True}
    found = results(*ruled(Verdict.FAILS, 2, **rule), *ruled(Verdict.WORKS, 1, **rule))
    text = unescaped(writer.render(found))
    assert "expect[3] (because) expired on 2026-01-01: 2 cases of 3 still not working." in text


def test_an_expectation_that_is_too_wide() -> None:
    found = results(*ruled(Verdict.FAILS, 2), *ruled(Verdict.WORKS, 1))
    assert "is too wide: 1 of its 3 cases work." in find_writer("terminal").render(found)


@pytest.mark.parametrize("name", ["terminal", "markdown", "html", "junit"])
def test_where_a_failure_is_tracked(name: str) -> None:
    rule = Expectation(verdict=Verdict.FAILS, reason="because", link="https://example.org/issues/7")
    text = find_writer(name).render(results(failed(expected=rule, as_expected=True)))
    assert "https://example.org/issues/7" in text


# ---------------------------------------------------------------------------------------------------------- a summary


def test_a_summary_fits_into_what_github_takes() -> None:
    many = [
        failed(
            id=f"{model}-{at}",
            model=f"zoo:{'m' * 60}{model}",
            combination=combination(tensorflow=f"2.{at}.0"),
            issues=("x" * 60,),
            as_expected=True,
        )
        for model in range(300)
        for at in range(60)
    ]
    unexpected = failed(id="news", model="zoo:news", issue=None, issues=(), signature="ValueError: news")
    text = markdown.render(results(*many, unexpected), Place())
    assert len(text.encode()) <= 1 << 20
    assert "The table of 18001 cases is left out here" in text
    assert text.index("ValueError: news") < 2000


def test_a_document_of_any_size_is_cut_at_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MOST_BYTES", 900)
    causes = [failed(id=str(at), signature=f"E: {'x' * at}", issue=None, issues=()) for at in range(50)]
    text = markdown.render(results(*causes), Place())
    assert len(text.encode()) <= 900
    assert text.endswith("\n\nThe rest is left out here.\n")
