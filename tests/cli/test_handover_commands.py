"""`repro` and `reduce`: what is refused, and a bundle of a case that needs no environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Tool
from support.samples import combination, failed, result, results

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.files import write_results


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The results of a run: one case works, one cannot be resolved, one met a fault."""
    unresolved = failed(
        id="mlp-layers-tf2.20.0",
        combination=combination(tensorflow="2.20.0", as_of="2026-11-20"),
        lock=None,
        resolved={},
        stage=Stage.RESOLVE,
        signature="unresolvable: tensorflow, tensorflow-decision-forests",
        message="Because tensorflow-decision-forests==1.12.0 depends on tensorflow==2.19.0 …",
        log=None,
        process_variables={},
    )
    built = failed(id="mlp-layers-built", stage=Stage.BUILD, lock=None)
    fault = failed(id="mlp-graph-fault", verdict=Verdict.ERROR, message="no space left")
    folder = tmp_path / ".tfjs-compat"
    folder.mkdir()
    write_results(results(result(id="mlp-layers-works"), unresolved, built, fault), folder)
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["works", "--output", "r"], "mlp-layers-works: works: there is no failure to show"),
        (["fault", "--output", "r"], "the machine failed, which says nothing of the case: no space left"),
        (["mpl-layers", "--output", "r"], "case 'mpl-layers': the results have none hint:"),
        (["mlp", "--output", "r"], "4 cases have that in their id"),
        (["tf2.20"], "missing option '--output'"),
        (["--output", "r"], "give a case of the last run, or what to run"),
        (["tf2.20", "--output", "r", "--model", "zoo:mlp"], "give one of the two"),
        (["tf2.20", "--output", "full"], "--output full: the folder is not empty"),
        (["tf2.20", "--output", "full", "--force"], "--output full: the folder is not empty"),
        (["tf2.20", "--output", "r\udcff"], "is no text in UTF-8"),
        (["tf2.20", "--output", "r\x1b[31m"], "has control characters"),
        (["tf2.20", "--output", "r", "--results", "elsewhere"], "elsewhere: there is no such file or folder"),
        (["--check", "full"], "full: it is no reproduction: it holds no reproduction.json"),
        (["--check", "full", "--output", "r"], "--check takes a folder and nothing else"),
    ],
)
def test_a_wrong_request(tool: Tool, tmp_path: Path, output: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x", "utf-8")
    ran = tool("repro", *arguments)
    assert message in ran.message
    assert ran.code == 2
    assert not (tmp_path / "r").exists()
    assert (tmp_path / "full" / "thesis.txt").exists()


def test_a_case_without_a_lock_is_reproduced_by_the_resolvers_inputs(tool: Tool, tmp_path: Path, output: Path) -> None:
    ran = tool("repro", "tf2.20", "--output", "bundle")
    assert (ran.code, ran.err) == (0, "")
    assert "fails at resolve" in ran.out
    assert (tmp_path / "bundle" / "requirements.in").read_text("utf-8") == "tensorflow==2.20.0\ntensorflowjs==4.17.0\n"
    assert "--exclude-newer 2026-11-20T23:59:59Z" in (tmp_path / "bundle" / "README.md").read_text("utf-8")
    assert (tmp_path / "bundle.zip").is_file()
    ran = tool("repro", "tf2.20", "--output", "bundle", "--force", "--json")
    assert json.loads(ran.out)["shown"]["stage"] == "resolve"
    assert {path.name for path in tmp_path.iterdir()} == {".tfjs-compat", "bundle", "bundle.zip"}


def test_a_model_that_was_changed_since_is_refused(tool: Tool, tmp_path: Path, output: Path) -> None:
    (tmp_path / "train.py").write_text("def build(): ...\n", "utf-8")
    changed = failed(id="train-layers", model="train.py:build", model_digest="0" * 64)
    write_results(results(changed), output)
    assert "it was changed since the case was run" in tool("repro", "train", "--output", "r").message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tf2.20"], "mlp-layers-tf2.20.0: it fails at resolve, whatever the model hint: `tfjs-compat repro"),
        (["built"], "mlp-layers-built: it fails before there is a model"),
        (["works"], "mlp-layers-works: works: there is no failure to show"),
        (["tf2.20", "--output", "there.py"], "--output there.py: it exists hint: --force replaces it"),
        ([], "give a case of the last run, or what to run"),
    ],
)
def test_what_cannot_be_reduced(tool: Tool, tmp_path: Path, output: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "there.py").write_text("x", "utf-8")
    ran = tool("reduce", *arguments)
    assert message in ran.message
    assert ran.code == 2
    assert not list(tmp_path.rglob("reduced.py"))
