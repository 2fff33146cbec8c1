"""A bundle: a script for the same case, pins, a README, and nothing of this machine."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tomli
from support.samples import PYTHON, combination

from tfjs_compat.artifact.tensors import Tensor, write_tensors
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.reproduction.account import Reproduction, Shown, read_account
from tfjs_compat.handover.reproduction.folder import Subject, pack, write_bundle
from tfjs_compat.handover.reproduction.private import leaks, of_this_machine
from tfjs_compat.locks.lock import Lock, make_lock
from tfjs_compat.matrix.models import Model, find_model
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.parity import Tolerance
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.workflows.repro import requirements_of

LOCK = make_lock(
    "tensorflow==2.19.0 --hash=sha256:0\ntensorflowjs==4.22.0 --hash=sha256:1",
    PYTHON,
    source_builds=False,
    stand_ins=("tensorflow-decision-forests",),
)
MESSAGE = "ValueError: cannot read /home/annabel/models/x"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/annabel")
    monkeypatch.setenv("USER", "annabel")


def account(stage: Stage, **changed: Any) -> Reproduction:
    given: dict[str, Any] = {
        "schema": 1,
        "tool": "0.1.0",
        "case": "mlp-layers",
        "verdict": Verdict.FAILS,
        "stage": stage,
        "signature": "ValueError: cannot read <path>",
        "issue": None,
        "message": MESSAGE,
        "shown": Shown(stage, MESSAGE, "ValueError: cannot read <path>"),
        "combination": combination(stand_ins=("tensorflow-decision-forests",), constraints=("setuptools<81",)),
        "model": "zoo:mlp",
        "route": "layers",
        "format": "layers",
        "resolved": {"tensorflow": "2.19.0"},
        "keras_in_use": "3.15.1",
        "tfjs": "4.22.0",
        "runtime": "node cpu",
        "process_variables": {"TF_USE_LEGACY_KERAS": "1"},
        "inputs_given": False,
        "python": "3.11.7",
        "lock": LOCK.id,
        "machine": {"system": "Linux", "machine": "x86_64", "cpu": "avx2"},
        "tolerance": Tolerance(),
        "started": "2026-11-28T05:44:50+00:00",
    }
    return Reproduction(**{**given, **changed})


def trial(folder: Path, weights: str = "w") -> Path:
    for name in ("inputs", "expected", "outputs"):
        write_tensors(folder / name, [Tensor("y", np.arange(3.0, dtype="float32"))])
    (folder / "artifact").mkdir()
    (folder / "artifact" / "model.json").write_text(weights, "utf-8")
    return folder


def write(
    folder: Path, stage: Stage, route: str = "layers", model: Model | None = None, lock: Lock | None = LOCK, **more: Any
) -> dict[str, str]:
    """The text files of the bundle that is written."""
    about = account(stage, route=route, lock=lock.id if lock else None, **more.pop("account", {}))
    subject = Subject(
        account=about,
        model=model or find_model("zoo:mlp", folder),
        route=find_route(route),
        requirements=requirements_of(about.combination, lock, "3.11.7"),
        lock=lock,
        trial=more.pop("trial", None),
        log=f"Traceback\n{MESSAGE}",
    )
    bundle = folder / "bundle"
    bundle.mkdir()
    write_bundle(subject, bundle, of_this_machine([folder]))
    return {
        path.relative_to(bundle).as_posix(): path.read_text("utf-8", "replace")
        for path in bundle.rglob("*")
        if path.is_file()
    }


def metadata(script: str) -> dict[str, Any]:
    """The PEP 723 block, read as its specification says."""
    (block,) = re.findall(r"(?m)^# /// script$\s((?:^#(?:| .*)$\s)+)^# ///$", script)
    return tomli.loads("".join(line[2:] if line.startswith("# ") else line[1:] for line in block.splitlines(True)))


STAGES = [stage for stage in Stage if stage is not Stage.CHECK]


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_script_pins_and_a_readme(tmp_path: Path, stage: Stage) -> None:
    lock = None if stage is Stage.RESOLVE else LOCK
    files = write(tmp_path, stage, lock=lock, trial=trial(tmp_path / "trial"))
    compile(files["repro.py"], "repro.py", "exec")
    pins = metadata(files["repro.py"])
    assert pins["requires-python"] == "==3.11.*"
    assert "tensorflow-decision-forests; python_version < '3'" in pins["tool"]["uv"]["override-dependencies"]
    if lock is None:
        assert pins["dependencies"] == ["tensorflow==2.16.1", "tensorflowjs==4.17.0"]
        assert pins["tool"]["uv"]["constraint-dependencies"] == ["setuptools<81"]
        assert "uv pip compile requirements.in" in files["README.md"]
    else:
        assert pins["dependencies"] == ["tensorflow==2.19.0", "tensorflowjs==4.22.0"]
        assert files["requirements.txt"] == LOCK.text
        assert "stand_ins/tensorflow_decision_forests.py" in files
    assert ("TF_USE_LEGACY_KERAS" in files["repro.py"]) == (stage.rank >= Stage.IMPORT.rank)
    assert ("model/mlp.py" in files) == (stage.rank >= Stage.BUILD.rank)
    assert ("package.json" in files) == (stage.rank > Stage.CONVERT.rank) == ("web_model/model.json" in files)
    assert "**Describe the current behavior**" in files["README.md"]
    assert read_account(tmp_path / "bundle").shown.stage is stage


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_of_this_machine_is_in_it(tmp_path: Path, stage: Stage) -> None:
    lock = None if stage is Stage.RESOLVE else LOCK
    write(tmp_path, stage, lock=lock, trial=trial(tmp_path / "trial"))
    private = of_this_machine([tmp_path])
    assert list(leaks(tmp_path / "bundle", private)) == []
    with zipfile.ZipFile(tmp_path / "bundle.zip") as packed:
        names = packed.namelist()
        assert "bundle/repro.py" in names
        packed.extractall(tmp_path / "again")
    assert list(leaks(tmp_path / "again", private)) == []
    assert "annabel" not in "".join(names)


def test_stages_after_the_failing_one_are_left_out(tmp_path: Path) -> None:
    script = write(tmp_path, Stage.BUILD)["repro.py"]
    assert 'stage("build")' in script
    assert "convert" not in script.partition('stage("build")')[2]


@pytest.mark.parametrize(
    ("route", "model", "lines"),
    [
        ("layers", "m.h5", ['load_model(reproduction.file("model/model.h5")', "save_keras_model(model, "]),
        ("keras-h5+uint8", "m.h5", ["shutil.copy(", '"--quantize_uint8", "*", "model.h5", "web_model"']),
        ("graph+control-flow-v2", "m.h5", ['model.export("saved_model")', "control_flow_v2=True)"]),
        ("layers+rewrite", "m.h5", ["    model = reproduction.rewritten(model)\n", "save_keras_model(model, "]),
        ("keras-h5+rewrite", "m.h5", ["    model = reproduction.rewritten(model)\n    model.save("]),
        (
            "graph",
            "saved",
            ["reproduction.load_saved_model(tf, ", "copytree(", "**reproduction.signature(built)"],
        ),
    ],
)
def test_the_script_does_what_the_case_did(tmp_path: Path, route: str, model: str, lines: list[str]) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"x")
    script = write(tmp_path, Stage.PREDICT, route, find_model(model, tmp_path), trial=trial(tmp_path / "t"))["repro.py"]
    assert [line for line in lines if line not in script] == []
    assert f"reproduction.predict(tf, {'built' if model == 'saved' else 'model'})" in script


def test_what_a_repair_made_is_loaded_as_it_is(tmp_path: Path) -> None:
    files = write(tmp_path, Stage.PREDICT, "layers+repair", trial=trial(tmp_path / "trial"))
    assert "load_in_tensorflowjs(reproduction.HERE)" in files["repro.py"]
    assert "web_model/model.json" in files
    assert "model/mlp.py" not in files


def test_a_converted_model_that_gives_us_away_is_left_out(tmp_path: Path) -> None:
    files = write(tmp_path, Stage.PREDICT, trial=trial(tmp_path / "trial", "/home/annabel/x"))
    assert "web_model/model.json" not in files
    assert "node predict.mjs" not in files["README.md"]


def test_a_model_that_gives_us_away_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("DATA = '/home/annabel/data'\ndef build(): ...", "utf-8")
    with pytest.raises(RequestError, match=r"model/train\.py .* a path of this machine"):
        write(tmp_path, Stage.BUILD, model=find_model("train.py:build", tmp_path))


def test_overrides_of_the_user_force_every_pin(tmp_path: Path) -> None:
    forced = combination(overrides=("numpy==1.26.4",))
    script = write(tmp_path, Stage.BUILD, account={"combination": forced})["repro.py"]
    assert "tensorflow==2.19.0" in metadata(script)["tool"]["uv"]["override-dependencies"]


def test_a_message_cannot_end_the_docstring_or_a_code_block(tmp_path: Path) -> None:
    shown = Shown(Stage.BUILD, '""" + evil() + """\\N{b\n````\n# heading', "x")
    files = write(tmp_path, Stage.BUILD, account={"shown": shown})
    compile(files["repro.py"], "repro.py", "exec")
    assert "evil" not in compile(files["repro.py"], "repro.py", "exec").co_names
    assert "\n`````\n" in files["README.md"]


def test_the_archive_is_the_same_for_the_same_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1", "utf-8")
    pack(tmp_path / "a", tmp_path / "one.zip")
    (tmp_path / "a" / "x").touch()
    pack(tmp_path / "a", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_an_account_of_another_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reproduction.json").write_bytes(msgspec.structs.replace(account(Stage.BUILD), schema=2).to_json())
    with pytest.raises(RequestError, match="key 'schema': is 2"):
        read_account(tmp_path)
