"""Every shell line of the CI files, run in an empty repository as a new user would; the package index is real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.pipelines import Pipeline, load, plain_environment, shards
from support.samples import ROOT

from tfjs_compat.system.store import Store

MATRIX = """
models = ["zoo:mlp"]
until = "resolve"
[axes]
python = ["{minor}"]
tensorflow = ["2.15.0", "2.16.1"]
tensorflowjs = ["4.17.0"]
as_of = ["2024-04-10"]
"""
MINOR = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def pipeline(store: Store, tmp_path: Path) -> Pipeline:
    """A repository that holds a matrix, and a machine with a Python that has pip and nothing else."""
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "matrix.toml").write_text(MATRIX.format(minor=MINOR))
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)
    variables = plain_environment(tmp_path / "python" / "bin", store.root)
    return Pipeline(repository, tmp_path, variables)


def test_a_pull_request_is_run_in_shards_and_reported(pipeline: Pipeline) -> None:
    workflow = load(ROOT / ".github" / "workflows" / "compatibility.yml")
    variables = {name: str(value) for name, value in workflow["env"].items()} | {"MATRIX": "matrix.toml", "SHARDS": "2"}
    jobs = workflow["jobs"]
    assert pipeline.job("plan", jobs["plan"], variables), pipeline.said
    cut = pipeline.kept["plan"]["needs.plan.outputs.shards"]
    assert shards(cut) == ["1/2", "2/2"]
    for index, shard in enumerate(shards(cut)):
        known = {"matrix.shard": shard, "strategy.job-index": str(index)}
        assert pipeline.job("run", jobs["run"], variables, **known), pipeline.said
    assert pipeline.job("report", jobs["report"], variables), pipeline.said
    assert "2 converts" in pipeline.summary()
    assert (pipeline.folder / "artifacts" / "report" / "report.html").is_file()


def test_a_shard_that_is_lost_fails_the_report(pipeline: Pipeline) -> None:
    workflow = load(ROOT / ".github" / "workflows" / "compatibility.yml")
    variables = {name: str(value) for name, value in workflow["env"].items()} | {"MATRIX": "matrix.toml", "SHARDS": "2"}
    jobs = workflow["jobs"]
    assert pipeline.job("plan", jobs["plan"], variables), pipeline.said
    known = {"matrix.shard": "1/2", "strategy.job-index": "0"}
    assert pipeline.job("run", jobs["run"], variables, **known), pipeline.said
    assert not pipeline.job("report", jobs["report"], variables), pipeline.said
    assert pipeline.status["report 0"] == 3
    assert "Incomplete run" in pipeline.summary()


@pytest.mark.full
def test_the_watch_keeps_its_state_and_opens_an_issue(pipeline: Pipeline) -> None:
    workflow = load(ROOT / ".github" / "workflows" / "watch.yml")
    (job,) = workflow["jobs"].values()
    variables = {"MATRIX": "matrix.toml"}
    # What opens the issue writes down what it was given.
    opened = pipeline.folder / "issue.md"
    gh = pipeline.folder / "python" / "bin" / "gh"
    gh.write_text(f'#!/bin/sh\nfor word; do last=$word; done\ncat "$last" > {opened}\n')
    gh.chmod(0o755)
    assert pipeline.job("watch", job, variables, **{"strategy.job-index": "0", "github.token": "t"}), pipeline.said
    assert not opened.exists()
    assert (pipeline.folder / "cache" / "results.json").is_file()
    # Another matrix the next night: what is new is news.
    matrix = MATRIX.replace('"2.16.1"', '"2.16.1", "2.14.1"').format(minor=MINOR)
    (pipeline.repository / "matrix.toml").write_text(matrix)
    assert pipeline.job("watch", job, variables, **{"strategy.job-index": "1", "github.token": "t"}), pipeline.said
    assert "1 case is new" in opened.read_text()


@pytest.mark.full
def test_the_lines_for_gitlab(pipeline: Pipeline) -> None:
    document = load(ROOT / "docs" / "ci" / "gitlab.yml")
    known = {"MATRIX": "matrix.toml", "TFJS_COMPAT": str(ROOT)}
    assert set(known) <= set(document["variables"])
    before = "\n".join(document["default"]["before_script"])
    assert pipeline.shell("before", before, pipeline.repository, known) == 0, pipeline.said
    # Artifacts of a stage lie in the checkouts of the next ones; here all jobs share one.
    for name, more in [
        ("plan", {}),
        *(("run", {"CI_NODE_INDEX": str(number), "CI_NODE_TOTAL": "3"}) for number in (1, 2, 3)),
        ("report", {}),
        ("watch", {}),
    ]:
        lines = "\n".join(document[name]["script"])
        assert pipeline.shell(name, lines, pipeline.repository, {**known, **more}) == 0, pipeline.said
    for path in ("merged/results.json", "merged/junit.xml", "merged/report.html"):
        assert (pipeline.repository / path).is_file()


@pytest.mark.full
def test_the_sessions_of_nox(pipeline: Pipeline) -> None:
    document = (ROOT / "docs" / "ci.md").read_text("utf-8")
    (noxfile,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (pipeline.repository / "noxfile.py").write_text(noxfile.replace('"tfjs-compat")', f'"{ROOT}")'))
    session = "one_release(tensorflow='2.15.1')"
    lines = f'python -m pip install -q nox\npython -m nox -s compatibility "{session}"'
    assert pipeline.shell("nox", lines, pipeline.repository, {}) == 0, pipeline.said
