"""Which matrix a request means, before the index is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tfjs_compat
from tfjs_compat.checks.catalogue import FINDINGS
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.workflows.check import check
from tfjs_compat.workflows.matrices import load_matrix, matrix_path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the request is made in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def meant(**said: Any) -> Matrix:
    return load_matrix(RunRequest(**said))[0]


def test_nothing_said_means_the_seed() -> None:
    assert meant().name == "seed"
    assert meant(only=("tf2.16*",), fresh=True).name == "seed", "these options leave the matrix as it is"


def test_a_model_alone_is_tried_in_a_neutral_matrix(here: Path) -> None:
    matrix, bases = load_matrix(RunRequest(models=("train.py:build",)))
    assert (matrix.name, matrix.models, bases) == ("train.py:build", ["train.py:build"], {"train.py:build": here})
    assert matrix.axes.as_of is None
    assert not matrix.expect
    assert set(matrix.routes) == {"layers", "graph"}
    assert not any("2.16.1" in (block.tensorflow or []) for block in [matrix.axes, *matrix.include])


@pytest.mark.parametrize(
    ("models", "name"),
    [
        (("models/trained.keras",), "trained.keras"),
        (("saved_model/",), "saved_model"),
        (("package.module:build",), "package.module:build"),
        (("zoo:lstm", "a/b.py:build"), "zoo:lstm, b.py:build"),
        (("zoo:lstm", "zoo:gru", "zoo:cnn", "zoo:mlp"), "zoo:lstm, zoo:gru and 2 more"),
    ],
)
def test_it_is_named_after_its_models(models: tuple[str, ...], name: str) -> None:
    assert meant(models=models).name == name


@pytest.mark.parametrize(
    "said",
    [
        {"axes": {"tensorflow": ["2.17.1"]}},
        {"axes": {"process_env": ["no-onednn"]}},
        {"axes": {"constraints": [["numpy<2"]]}},
        {"routes": ("graph",)},
    ],
)
def test_without_a_model_the_seed_model_runs_without_expectations(said: dict[str, Any]) -> None:
    matrix = meant(**said)
    assert (matrix.name, matrix.models, matrix.expect) == ("zoo:seed", ["zoo:seed"], [])
    for name, values in said.get("axes", {}).items():
        assert getattr(matrix.axes, name) == values
        assert all(getattr(block, name) is None for block in matrix.include), "an include must not bring others back"
    # What has to be constrained for anything to be importable stays, whatever else is constrained.
    assert "setuptools<81" in matrix.requirements.constraints


def test_a_named_matrix_is_loaded_whatever_the_options(here: Path) -> None:
    assert meant(matrix="seed", models=("zoo:mlp",)).name == "seed"
    assert meant(matrix="frontier", axes={"tensorflow": ["2.17.1"]}).name == "frontier"
    (here / "pyproject.toml").write_text(
        "[tool.tfjs-compat]\nname = 'own'\naxes = {tensorflow = ['2.15.0'], tensorflowjs = ['4.17.0']}", "utf-8"
    )
    assert meant(models=("zoo:mlp",)).name == "own"
    assert meant(models=("zoo:mlp",)).axes.tensorflow == ["2.15.0"]


def test_a_wrong_axis_is_the_command_lines_fault() -> None:
    with pytest.raises(RequestError, match=r"^command line: key 'axes\.process_env': unknown name 'legacy-kera'"):
        meant(models=("zoo:mlp",), axes={"process_env": ["legacy-kera"]})


def test_a_shipped_matrix_wins_over_a_folder_of_its_name(here: Path) -> None:
    (here / "seed").mkdir()
    assert matrix_path("seed").name == "seed.toml"
    (here / "seed").rmdir()
    (here / "seed").write_text("a file of the user's comes first", "utf-8")
    assert matrix_path("seed") == Path("seed")


@pytest.mark.parametrize(
    ("content", "said", "message"),
    [
        ("", {}, "m.toml: key 'axes.tensorflow': missing\nhint: list the versions to try, such as ['2.19.0']"),
        (
            "[axes]\ntensorflow = ['2.15.0']",
            {},
            "m.toml: key 'axes.tensorflowjs': missing\nhint: list the versions to try, such as ['4.22.0']",
        ),
        (
            "[axes]\ntensorflow = ['2.15.0']\ntensorflowjs = ['4.17.0']",
            {},
            "m.toml: key 'models': missing\nhint: list models, such as ['zoo:seed'], or give --model",
        ),
        ("models = ['zoo:mlp']", {"axes": {"tensorflowjs": ["4.17.0"]}}, "m.toml: key 'axes.tensorflow': missing"),
    ],
)
def test_a_key_that_is_missing_is_missing_in_its_file(
    here: Path, content: str, said: dict[str, Any], message: str
) -> None:
    (here / "m.toml").write_text(content, "utf-8")
    with pytest.raises(RequestError) as raised:
        meant(matrix="m.toml", **said)
    assert str(raised.value).startswith(message)


def test_what_the_command_line_gives_is_not_missing(here: Path) -> None:
    (here / "m.toml").write_text("[axes]\ntensorflow = ['2.15.0']", "utf-8")
    assert meant(matrix="m.toml", models=("zoo:mlp",), axes={"tensorflowjs": ["4.17.0"]}).models == ["zoo:mlp"]


def test_every_block_names_versions_or_the_axes_do(here: Path) -> None:
    blocks = "models = ['zoo:mlp']\n[axes]\ntensorflowjs = ['4.17.0']\n[[include]]\ntensorflow = ['2.15.0']"
    (here / "m.toml").write_text(blocks, "utf-8")
    with pytest.raises(RequestError, match=r"key 'axes\.tensorflow': missing"):
        meant(matrix="m.toml")


# --------------------------------------------------------------------------------------------------- the output folder


def test_a_wrong_request_leaves_nothing(here: Path) -> None:
    with pytest.raises(RequestError, match="wrong"), lock_output(here / "out"):
        raise RequestError("wrong")
    assert not (here / "out").exists()
    (here / "mine").mkdir()
    with pytest.raises(RequestError, match="wrong"), lock_output(here / "mine"):
        raise RequestError("wrong")
    assert list((here / "mine").iterdir()) == []


def test_what_a_run_or_somebody_left_stays(here: Path) -> None:
    (here / "out" / "cases").mkdir(parents=True)
    with pytest.raises(RequestError, match="wrong"), lock_output(here / "out"):
        raise RequestError("wrong")
    assert (here / "out" / "cases").is_dir()
    with lock_output(here / "new"):
        pass
    assert (here / "new").is_dir()


# ---------------------------------------------------------------------------------------------- what `check` is given


def test_the_folder_of_an_unconverted_case_is_named_as_such(here: Path) -> None:
    case = here / "out" / "cases" / "mlp-layers-tf2.15.0"
    (case / "0a1b").mkdir(parents=True)
    (case / "0a1b" / "log.txt").write_text("…", "utf-8")
    with pytest.raises(
        RequestError, match=r"a case that ended before there was a converted model\nhint: .*log\.txt says why"
    ):
        check(case)
    (here / "out" / "results.json").write_text("{}", "utf-8")
    with pytest.raises(
        RequestError,
        match=r"output of a run, not a model\nhint: `tfjs-compat check .*cases.mlp-layers-tf2\.15\.0` checks",
    ):
        check(here / "out")
    with pytest.raises(RequestError, match=r"it is no TensorFlow\.js model: it holds no model\.json"):
        check(here)


@pytest.mark.parametrize("name", tfjs_compat.__all__)
def test_the_library_gives_what_it_says(name: str) -> None:
    assert getattr(tfjs_compat, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'runs'"):
        tfjs_compat.__getattr__("runs")


def test_an_expected_issue_that_nothing_reports_is_refused(tmp_path: Path) -> None:
    rule = '[[expect]]\nissue = "{}"\nreason = "x"\n'
    text = 'models = ["zoo:mlp"]\n[axes]\ntensorflow = ["2.15.0"]\ntensorflowjs = ["4.17.0"]\n'
    (tmp_path / "m.toml").write_text(text + rule.format("duplicate-weight-name") + rule.format("duplicate-wieght-name"))
    with pytest.raises(RequestError) as refused:
        load_matrix(RunRequest(matrix="m.toml"))
    assert "key 'expect[1].issue': 'duplicate-wieght-name' is no known issue" in str(refused.value)
    assert "did you mean 'duplicate-weight-name'?" in str(refused.value)
    (tmp_path / "m.toml").write_text(text + "".join(map(rule.format, FINDINGS)))
    assert len(load_matrix(RunRequest(matrix="m.toml"))[0].expect) == len(FINDINGS)
