"""Failures handed over for real: bundles that a fresh environment runs, and models reduced to what fails."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tfjs_compat import api
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.handover.reproduction.private import leaks, of_this_machine
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import Results
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.reduce import Irreducible, ReducedCase

pytestmark = pytest.mark.real

MATRIX = """
name = "handover"
models = [{model}]
routes = ["{route}"]
[axes]
tensorflow = ["{tensorflow}"]
tensorflowjs = ["4.17.0"]
as_of = ["{as_of}"]
process_env = ["{process_env}"]
constraints = [[{constraints}]]
"""
KERAS_3, KERAS_2 = "2.16.1", "2.15.0"
DAY, NOW = "2024-04-10", "2026-11-20"
FILES = {
    "broken.py": "import words\n\n\ndef build():\n    raise KeyError(words.FIRST)\n",
    "words.py": "FIRST = 'vocabulary'\n",
}
Run = Callable[..., Results]


def matrix(model: str, route: str = "layers", tensorflow: str = KERAS_3, as_of: str = DAY, **more: str) -> str:
    given = {"process_env": "default", "constraints": "", **more}
    return MATRIX.format(model=f'"{model}"', route=route, tensorflow=tensorflow, as_of=as_of, **given)


def bundle(run: Run, store: Store, folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reproduction of the only case of a matrix, which is searched for what is private."""
    for name, content in FILES.items():
        (folder / name).write_text(content, "utf-8")
    monkeypatch.chdir(folder)
    found = run(text, FILES, output=folder / "out")
    request = api.ReproRequest(
        folder / "bundle", found.cases[0].id, folder / "out", run_options=RunRequest(store=store)
    )
    assert api.repro(request) is not None
    assert list(leaks(folder / "bundle", of_this_machine([folder, store.root]))) == []
    return folder / "bundle"


def test_a_bundle_shows_its_failure_without_this_tool(
    run_matrix: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundle(run_matrix, store, tmp_path, matrix("zoo:seed"), monkeypatch)
    (environment,) = {path for path in (store.root / "environments").iterdir() if path.name in _lock(folder)}
    ended = subprocess.run(
        [environment / "venv/bin/python", "-I", folder / "repro.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "reproduced: fails at convert: Exception: Error dumping weights, duplicate weight name" in ended.stdout


def _lock(folder: Path) -> str:
    return (folder / "requirements.txt").read_text("utf-8").partition("\n")[0]


@pytest.mark.full
@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (matrix("zoo:mlp", tensorflow="2.20.0", as_of=NOW), Stage.RESOLVE),
        (matrix("zoo:mlp", tensorflow=KERAS_2, as_of=NOW), Stage.IMPORT),
        (matrix("broken.py:build"), Stage.BUILD),
        (matrix("zoo:nested"), Stage.SERIALIZE),
        (matrix("zoo:seed"), Stage.CONVERT),
        (matrix("zoo:gru", process_env="legacy-keras"), Stage.LOAD),
        (matrix("zoo:category_encoding", tensorflow=KERAS_2), Stage.PREDICT),
    ],
    ids=lambda value: str(value) if isinstance(value, Stage) else "",
)
def test_a_bundle_of_every_stage_is_confirmed_in_a_fresh_environment(
    run_matrix: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, stage: Stage
) -> None:
    folder = bundle(run_matrix, store, tmp_path, text, monkeypatch)
    checked = api.check_reproduction(folder, RunRequest(store=store))
    assert checked.confirmed, checked
    assert checked.expected.stage is stage


def reduced(run: Run, store: Store, folder: Path, text: str) -> ReducedCase | Irreducible | None:
    found = run(text, output=folder / "out")
    options = RunRequest(store=store)
    return api.reduce(api.ReduceRequest(folder / "reduced.py", found.cases[0].id, folder / "out", run_options=options))


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        pytest.param(matrix("zoo:unet"), 2, id="convert", marks=pytest.mark.full),
        pytest.param(matrix("zoo:gru", process_env="legacy-keras"), 1, id="load"),
        pytest.param(matrix("zoo:category_encoding", tensorflow=KERAS_2), 1, id="predict", marks=pytest.mark.full),
    ],
)
def test_a_model_is_reduced_to_what_fails(
    run_matrix: Run, store: Store, tmp_path: Path, text: str, layers: int
) -> None:
    found = reduced(run_matrix, store, tmp_path, text)
    assert isinstance(found, ReducedCase)
    assert found.minimal
    assert found.after.layers == layers < found.before.layers
    # The code alone, run as a case, ends in the same way.
    again = run_matrix(
        text.replace(text.split('"')[3], "reduced.py:build"), {"reduced.py": found.code}, output=tmp_path / "again"
    )
    assert (again.cases[0].stage, again.cases[0].signature) == (found.stage, found.signature)
