"""The script of a bundle, run as a stranger runs it: by a Python that has nothing of this tool."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside"
SCRIPT = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness"))
import reproduction
reproduction.begin()
with reproduction.stage("import"):
    import not_there_at_all
with reproduction.stage("build"):
    pass
reproduction.finish()
"""


def run(folder: Path, stage: str, message: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    harness = folder / "harness"
    shutil.copytree(INSIDE / "tfjs_case", harness / "tfjs_case")
    shutil.copy(INSIDE / "reproduction" / "reproduction.py", harness)
    (folder / "repro.py").write_text(script, "utf-8")
    shown = {"stage": stage, "message": message}
    (folder / "reproduction.json").write_text(json.dumps({"shown": shown}), "utf-8")
    return subprocess.run([sys.executable, "repro.py"], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_failure_that_shows_is_confirmed(tmp_path: Path) -> None:
    ended = run(tmp_path, "import", "ModuleNotFoundError: No module named 'not_there_at_all'")
    assert ended.returncode == 0, ended.stderr
    assert "reproduced: fails at import" in ended.stdout
    assert "Traceback" in ended.stderr
    events = [json.loads(line) for line in (tmp_path / "work" / "record.jsonl").read_text("utf-8").splitlines()]
    assert [event["event"] for event in events] == ["stage", "failure"]


@pytest.mark.parametrize(
    ("stage", "message"),
    [("build", "ModuleNotFoundError: No module named 'not_there_at_all'"), ("import", "ModuleNotFoundError: other")],
)
def test_another_failure_is_not_taken_for_it(tmp_path: Path, stage: str, message: str) -> None:
    ended = run(tmp_path, stage, message)
    assert ended.returncode == 1
    assert "NOT reproduced" in ended.stdout


def test_no_failure_at_all_is_said(tmp_path: Path) -> None:
    ended = run(tmp_path, "build", "x", SCRIPT.replace("not_there_at_all", "json"))
    assert ended.returncode == 1
    assert "This run: nothing failed" in ended.stdout


@pytest.mark.parametrize(
    ("raised", "recorded"),
    [
        ("OSError('no file /somewhere/else/m.h5')", "OSError: no file …/m.h5"),
        ("ValueError('layer dense_12 at 0x7f00aa')", "ValueError: layer dense_3 at 0x1234ff"),
    ],
)
def test_paths_addresses_and_counters_do_not_count(tmp_path: Path, raised: str, recorded: str) -> None:
    ended = run(tmp_path, "import", recorded, SCRIPT.replace("import not_there_at_all", f"raise {raised}"))
    assert ended.returncode == 0, ended.stdout


def test_a_converter_that_writes_nothing_fails_at_convert(tmp_path: Path) -> None:
    script = SCRIPT.replace("import not_there_at_all", "pass").replace('"build"', '"convert"')
    message = "tfjs_case.convert.ConverterFailed: the converter ended without writing a model.json"
    ended = run(tmp_path, "convert", message, script)
    assert ended.returncode == 0, ended.stdout


def test_stand_ins_of_the_bundle_are_found(tmp_path: Path) -> None:
    (tmp_path / "stand_ins").mkdir()
    (tmp_path / "stand_ins" / "not_there_at_all.py").write_text("", "utf-8")
    ended = run(tmp_path, "import", "ModuleNotFoundError: No module named 'not_there_at_all'")
    assert "This run: nothing failed" in ended.stdout
