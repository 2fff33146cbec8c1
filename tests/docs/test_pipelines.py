"""The CI files that others copy: valid by their services' schemas, with pinned actions and nothing to inject."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.pipelines import EXPRESSION, load
from support.samples import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
GITLAB = ROOT / "docs" / "ci" / "gitlab.yml"
SCHEMAS = [
    *((path, "vendor.github-workflows") for path in WORKFLOWS),
    *((path, "vendor.github-actions") for path in ACTIONS),
    (GITLAB, "vendor.gitlab-ci"),
]


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda value: getattr(value, "name", value))
def test_they_are_valid_by_their_schema(path: Path, schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_speaks_of_jobs_that_it_needs(path: Path) -> None:
    """Of any other job GitHub knows nothing there: an expression on it is empty. ``nox -s lint`` runs actionlint."""
    for name, job in load(path)["jobs"].items():
        needs = job.get("needs", [])
        spoken_of = set(re.findall(r"\bneeds\.(\w+)", str(job)))
        assert spoken_of <= {needs, *needs} if isinstance(needs, str) else spoken_of <= set(needs), name


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_actions_of_others_are_pinned_to_a_release(path: Path) -> None:
    for uses in re.findall(r"uses: (\S+)", path.read_text()):
        assert re.fullmatch(r"\./\.github/actions/\w+|actions/[\w/-]+@v\d+", uses), uses


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_no_expression_stands_in_a_shell_line(path: Path) -> None:
    document = load(path)
    jobs = document.get("jobs", {}).values()
    steps = [step for job in jobs for step in job["steps"]] + document.get("runs", {}).get("steps", [])
    assert steps
    assert [step["name"] for step in steps if EXPRESSION.search(step.get("run", ""))] == []


def test_the_documentation_shows_every_file() -> None:
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    for path in (*WORKFLOWS, *ACTIONS, GITLAB):
        assert path.relative_to(ROOT).as_posix().removeprefix("docs/") in text
