from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.hostile import hostile_results
from support.pages import read_safely
from support.samples import failed, result, results

from tfjs_compat.diagnosis.catalogue import KnownIssue, Remedy
from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.report import causes as causes_module
from tfjs_compat.report.writers import WRITERS, Place, Writer, find_writer, seen_from
from tfjs_compat.results.case_result import Results

CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
every_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)


@every_writer
def test_every_writer_renders_results_with_and_without_cases(writer: Writer) -> None:
    text = writer.render(results(result(), failed()))
    assert "duplicate-weight-name" in text
    assert "seed" in writer.render(results())


@every_writer
@pytest.mark.parametrize("planned", [7, None])
def test_every_report_says_that_a_run_is_a_part(writer: Writer, planned: int | None) -> None:
    text = writer.render(results(result(), complete=False, planned=planned))
    if writer.name == "json":
        assert '"complete": false' in text
        assert planned is None or '"planned": 7' in text
    else:
        assert ("Incomplete run: 1 of 7 cases finished" if planned else "Incomplete run: 1 case finished") in text
        assert "ll as expected" not in text
    assert "Incomplete" not in writer.render(results(result(), planned=1))


@settings(max_examples=20)
@given(hostile_results())
def test_every_report_of_hostile_texts_is_valid_text(found: Results) -> None:
    for writer in WRITERS:
        if writer.name != "json":
            text = writer.render(found)
            text.encode()
            assert not CONTROLS.search(text), (
                "nothing that a terminal obeys, or that turns the direction of what follows"
            )


@every_writer
def test_a_message_of_megabytes_is_not_copied_whole(writer: Writer) -> None:
    text = writer.render(results(failed(message="word " * 2_000_000, issue=None, issues=(), signature=None)))
    assert writer.name == "json" or len(text) < 100_000


def test_names_are_unique_and_an_unknown_one_is_refused() -> None:
    assert len({writer.name for writer in WRITERS}) == len(WRITERS)
    with pytest.raises(RequestError, match="no report format 'htm'\nhint: did you mean 'html'"):
        find_writer("htm")


def test_the_target_of_a_report() -> None:
    folder = Path("out")
    assert find_writer("html").target(folder, None) == folder / "report.html"
    assert find_writer("junit").target(folder, None) is None
    assert find_writer("html").target(folder, Path("-")) is None
    assert find_writer("junit").target(folder, Path("a.xml")) == Path("a.xml")


def test_paths_lead_from_the_report_to_the_output_folder(tmp_path: Path) -> None:
    assert seen_from(tmp_path / "site" / "x.html", tmp_path / "out") == Path("../out")
    assert seen_from(tmp_path / "out" / "x.html", tmp_path / "out") == Path()
    for name in ("terminal", "html"):
        text = find_writer(name).render(results(failed(issue=None, issues=())), Place(Path("../out")))
        assert "../out/cases/mlp-layers/log.txt" in text


def test_the_list_of_reports_loads_none_of_them() -> None:
    code = "import sys; import tfjs_compat.report.writers; print(*(set(sys.modules) & {'rich', 'jinja2', 'msgspec'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == ""


def test_only_web_addresses_of_the_catalogue_become_links(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = KnownIssue(
        id="duplicate-weight-name",
        title="a `<b>` title",
        stages=(Stage.CONVERT,),
        explanation="why",
        links=("javascript:alert(1)", "https://example.org/1", "https://example.org/ onclick=x"),
        remedies=(Remedy(title="`setuptools<81`"),),
    )
    monkeypatch.setattr(causes_module, "catalogue", lambda: {entry.id: entry})
    page = read_safely(find_writer("html").render(results(failed())))
    assert [link for link in page.attributes("href") if "example.org" in link] == ["https://example.org/1"]
    assert "javascript:alert(1)" in page.text
    text = find_writer("markdown").render(results(failed()))
    assert "`duplicate-weight-name`: a `<b>` title" in text
    assert re.findall("<.*>", text.replace("`<b>`", "")) == ["<https://example.org/1>"]
