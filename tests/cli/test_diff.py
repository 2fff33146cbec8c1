"""`diff`, and `run --baseline`: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import MATRIX, Tool, put
from support.samples import SmallIndex, failed, result, results
from support.tools import Said, run_here

from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.comparison import Kind
from tfjs_compat.results.files import write_results

LOCKS = {"old": {"keras": "3.4.0"}, "new": {"keras": "3.5.0"}}


def keep(folder: Path, *cases: CaseResult) -> Path:
    write_results(results(*cases, locks=LOCKS), folder)
    return folder


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """A folder with two runs: of three cases one regresses, one is fixed, one stays."""
    keep(tmp_path / "old", result(id="a", lock="old"), failed(id="b"), failed(id="c"))
    keep(tmp_path / "new", failed(id="a", lock="new"), result(id="b"), failed(id="c"))
    return tmp_path


def diff(*arguments: str, folder: Path) -> Said:
    return run_here(("diff", *arguments), folder, {})


def test_json_has_every_case_what_changed_first(nights: Path) -> None:
    done = diff("old", "new/results.json", "--json", folder=nights)
    assert done.code == 1
    found = json.loads(done.out)
    assert [(change["case"], change["kind"]) for change in found["changes"]] == [
        *(("a", "regressed"), ("b", "fixed"), ("c", "same"))
    ]
    assert found["counts"] == {**dict.fromkeys(map(str, Kind), 0), "regressed": 1, "fixed": 1, "same": 1}
    (change, *_) = found["changes"]
    assert change["packages"] == {"keras": ["3.4.0", "3.5.0"]}
    assert (change["before"]["verdict"], change["after"]["verdict"]) == ("works", "fails")
    assert change["after"]["issue"] == "duplicate-weight-name"


def test_text_says_what_changed_and_in_which_package(nights: Path) -> None:
    done = diff("old", "new", folder=nights)
    assert done.code == 1
    assert "1 × regressed: duplicate-weight-name" in done.out
    assert "works → fails at convert" in done.out
    assert "changed: keras 3.4.0 → 3.5.0" in done.out
    assert done.out.rstrip().endswith("1 stayed the same.")


def test_markdown_begins_with_the_sentence(nights: Path) -> None:
    text = diff("old", "new", "--format", "markdown", folder=nights).out
    assert "**Since 2026-11-23 12:00: 1 case regressed (duplicate-weight-name; keras 3.4.0 → 3.5.0), 1 is fixed" in text


@pytest.mark.parametrize(
    ("fail_on", "code"), [("none", 0), ("fixed", 1), ("flaky,unknown", 0), ("gone,regressed", 1), ("same", 1)]
)
def test_the_kinds_that_fail(nights: Path, fail_on: str, code: int) -> None:
    assert diff("old", "new", "--fail-on", fail_on, folder=nights).code == code


def test_nothing_changed(nights: Path) -> None:
    done = diff("new", "new", folder=nights)
    assert done.code == 0
    assert "Nothing changed since 2026-11-23 12:00: 3 cases stayed the same." in done.out


def test_an_unknown_kind_is_refused_with_the_nearest(nights: Path) -> None:
    done = diff("old", "new", "--fail-on", "regresed", folder=nights)
    assert done.code == 2
    assert "did you mean 'regressed'?" in done.err


def test_a_missing_run_is_refused(nights: Path) -> None:
    done = diff("old", "never", folder=nights)
    assert done.code == 2
    assert "never: there is no such file or folder" in done.err


RUN = ("run", "m.toml", "--output", "out", "--until", "resolve")


def test_a_run_is_held_to_its_baseline(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    first = tool(*RUN, "--baseline", "out")
    assert first.code == 0
    again = tool(*RUN, "--baseline", "out")
    assert again.code == 0
    assert "Nothing changed since" in again.out
    # A release that is gone: the same question has no answer any more.
    index.files["tensorflow"] = {}
    gone = tool(*RUN, "--baseline", "out/results.json", "--no-cache")
    assert gone.code == 1
    assert "1 × regressed" in gone.out
    assert tool(*RUN, "--baseline", "out", "--no-cache").code == 0
    assert tool(*RUN, "--no-cache").code == 1


def test_a_missing_baseline_says_how_to_keep_one(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*RUN, "--baseline", "never.json")
    assert ran.code == 2
    assert "hint: leave it out of the first run, then keep that run: cp out/results.json baseline.json" in ran.err


def test_only_some_cases_are_compared_with_theirs(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*RUN, "--route", "layers", "--route", "graph")
    baseline = json.loads((tmp_path / "out" / "results.json").read_text())
    assert ran.code == 0
    assert len(baseline["cases"]) == 2
    ran = tool(*RUN, "--route", "layers", "--route", "graph", "--only", "*layers*", "--baseline", "out")
    assert "1 case stayed the same" in " ".join(ran.out.split())


def test_reports_are_written_when_a_red_run_ends(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    assert tool(*RUN).code == 0
    index.files["tensorflow"] = {}
    given = ("--report", "junit=ci/junit.xml", "--report", "html=ci/page.html", "--report", "github=-")
    ran = tool(*RUN, "--no-cache", "--baseline", "out", *given)
    assert ran.code == 1
    assert '<failure type="regressed"' in (tmp_path / "ci" / "junit.xml").read_text()
    page = (tmp_path / "ci" / "page.html").read_text()
    assert "1 case regressed" in page
    assert "../out/cases/" in page
    assert "::error file=m.toml,line=2,title=1 × regressed" in ran.out
    assert "written: ci/junit.xml" in ran.err


@pytest.mark.parametrize(
    ("given", "hint"),
    [("junti=x.xml", "did you mean 'junit'?"), ("junit", "--report junit=FILE"), ("html=", "--report html=FILE")],
)
def test_a_wrong_report_is_refused_before_the_run(tool: Tool, tmp_path: Path, given: str, hint: str) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*RUN, "--report", given)
    assert ran.code == 2
    assert hint in ran.err
    assert not (tmp_path / "out").exists()


def test_a_report_on_what_changed_since_a_baseline(nights: Path) -> None:
    done = run_here(("report", "new", "--baseline", "old", "--format", "github"), nights, {})
    assert "::error title=1 × regressed%3A duplicate-weight-name::" in done.out


def test_history_says_when_a_case_changed(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    first = tool(*RUN)
    assert "hint: the next one says what changed with --baseline out" in first.err
    index.files["tensorflow"] = {}
    again = tool(*RUN, "--no-cache")
    assert "--baseline" not in again.err
    shown = tool("history", "out")
    assert shown.code == 0
    assert "2 runs, 1 case: 1 shown" in shown.out
    (case,) = json.loads(tool("history", "out", "--json").out)["cases"]
    assert [end["verdict"] for end in case["ends"]] == ["converts", "fails"]
    runs = json.loads(tool("history", "out", "--json").out)["runs"]
    assert tool("diff", *runs).code == 1
    assert tool("history", "never").code == 2
