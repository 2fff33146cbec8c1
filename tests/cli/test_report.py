"""`report`: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from support.pages import Page
from support.samples import FORESEEN, failed, result, results
from support.tools import Said, run_here

from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.report.writers import WRITERS, Writer
from tfjs_compat.results.files import write_results
from tfjs_compat.results.journal import Journal
from tfjs_compat.results.plan_file import PLAN_SCHEMA, PlanDocument, PlannedCase, write_plan


def report(*arguments: str, folder: Path) -> Said:
    return run_here(("report", *arguments), folder, {})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder in which a run left its default output."""
    write_results(results(result(), failed(expected=FORESEEN, as_expected=True)), tmp_path / ".tfjs-compat")
    return tmp_path


def test_the_page_goes_into_the_output_folder(run: Path) -> None:
    done = report("--format", "html", folder=run)
    assert (done.code, done.out) == (0, "")
    assert "written: .tfjs-compat/report.html" in done.err
    page = Page((run / ".tfjs-compat" / "report.html").read_text("utf-8"))
    assert "./cases/mlp-layers/log.txt" in page.attributes("href")


def test_links_lead_from_where_the_page_is(run: Path) -> None:
    done = report(".tfjs-compat/results.json", "--format", "html", "--to", "site/pages/x.html", folder=run)
    assert done.code == 0
    page = Page((run / "site" / "pages" / "x.html").read_text("utf-8"))
    assert "../../.tfjs-compat/cases/mlp-layers/log.txt" in page.attributes("href")


BEGINS = {
    "terminal": "seed: ",
    "html": "<!DOCTYPE html>",
    "markdown": "### ",
    "junit": "<?xml",
    "json": "{",
    "sarif": "{",
    "github": "::",
}


@pytest.mark.parametrize("form", [writer.name for writer in WRITERS])
def test_every_format_goes_to_stdout_or_to_a_file(form: str, run: Path) -> None:
    shown = report("--format", form, "--to", "-", folder=run)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.lstrip().startswith(BEGINS[form])
    assert report("--format", form, "--to", "report.out", folder=run).code == 0
    written = (run / "report.out").read_text("utf-8")
    assert written.lstrip().startswith(BEGINS[form])
    assert form != "json" or json.loads(written) == json.loads(shown.out)


def test_a_missing_run_is_a_wrong_request_with_a_hint(tmp_path: Path) -> None:
    done = report(folder=tmp_path)
    assert done.code == 2
    assert ".tfjs-compat: there is no such file or folder\nhint: `tfjs-compat run` writes its results there" in done.err
    done = report(".", "--format", "junit", folder=tmp_path)
    assert done.code == 2
    assert "`tfjs-compat run` writes one" in done.err


def test_damaged_results_and_unwritable_targets_are_wrong_requests(run: Path) -> None:
    assert report("--to", ".", folder=run).code == 2
    path = run / ".tfjs-compat" / "results.json"
    path.write_bytes(path.read_bytes()[:-40])
    done = report(folder=run)
    assert done.code == 2
    assert "damaged" in done.err


@pytest.mark.skipif(os.name == "nt", reason="devices and pipes")
def test_what_is_no_regular_file_is_written_to_and_stays(run: Path) -> None:
    assert report("--format", "html", "--to", "/dev/null", folder=run).code == 0
    assert Path("/dev/null").is_char_device()
    os.mkfifo(run / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((run / "pipe").read_bytes()))
    reader.start()
    assert report("--format", "junit", "--to", "pipe", folder=run).code == 0
    reader.join()
    assert read[0].startswith(b"<?xml")
    assert (run / "pipe").is_fifo()
    (run / "kept.md").write_text("old")
    (run / "link.md").symlink_to("kept.md")
    assert report("--format", "markdown", "--to", "link.md", folder=run).code == 0
    assert (run / "link.md").is_symlink()
    assert "seed" in (run / "kept.md").read_text("utf-8")


@pytest.mark.parametrize("target", [".", "o" * 300, "here.md/x.md", "circle"])
def test_targets_that_cannot_be_written_are_wrong_requests(run: Path, target: str) -> None:
    (run / "here.md").write_text("x")
    (run / "circle").symlink_to("circle")
    done = report("--format", "markdown", "--to", target, folder=run)
    assert done.code == 2
    assert done.err.startswith(f"error: {target}")


@pytest.mark.parametrize("writer", [writer for writer in WRITERS if writer.name != "json"], ids=lambda each: each.name)
def test_a_killed_run_is_reported_as_a_part(writer: Writer, tmp_path: Path) -> None:
    finished = result()
    cases = tuple(
        PlannedCase(name, name, finished.combination, finished.model, "0" * 64, "layers", None)
        for name in (finished.id, "another", "a-third")
    )
    plan = PlanDocument(PLAN_SCHEMA, "0.1.0", "2026-11-28", "seed", "0" * 64, Stage.PREDICT, {}, (), cases)
    write_plan(plan, tmp_path / "out")
    journal = Journal(tmp_path / "out")
    journal.append(finished, 1.0, plan.run)
    journal.close()
    done = report("out", "--format", writer.name, "--to", "-", folder=tmp_path)
    assert done.code == 0
    assert "Incomplete run: 1 of 3 cases finished; the others are missing here." in " ".join(done.out.split())
    assert "ll as expected" not in done.out


def test_fail_on_decides_the_exit_code_where_it_is_given(run: Path) -> None:
    write_results(results(result(), failed(id="new")), run / "later")
    arguments = ("later", "--format", "markdown", "--baseline", ".tfjs-compat")
    assert report(*arguments, folder=run).code == 0
    for kinds, code in (("new", 1), ("regressed", 0), ("flaky,fixed", 1), ("none", 0)):
        assert report(*arguments, "--fail-on", kinds, folder=run).code == code
    refused = report("later", "--fail-on", "new", folder=run)
    assert refused.code == 2
    assert "there is nothing to compare with" in refused.err
