"""What a bundle brings along of the programs that run cases: all of it that is imported, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tfjs_compat.handover.reproduction.folder import _write_harness
from tfjs_compat.matrix.routes import find_route

MODULES = "import importlib, pathlib, sys; sys.path.insert(0, sys.argv[1])\n" + (
    "for path in sorted(pathlib.Path(sys.argv[1], 'tfjs_case').glob('*.py')):\n"
    "    importlib.import_module('tfjs_case.' + path.stem if path.stem != '__init__' else 'tfjs_case')\n"
    "import reproduction\n"
)


def test_every_module_of_the_harness_can_be_imported_from_it_alone(tmp_path: Path) -> None:
    _write_harness(tmp_path, find_route("graph"), in_tfjs=False)
    ran = subprocess.run(
        [sys.executable, "-I", "-c", MODULES, str(tmp_path / "harness")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


SIGNATURES = """
import sys; sys.path.insert(0, sys.argv[1])
import reproduction
class TF:
    class random: set_seed = int
    class saved_model:
        def load(path):
            loaded = type("Loaded", (), {"__call__": None})()
            loaded.signatures = {"encode": "e", "serving_default": "s"}
            return loaded
reproduction._state.update(inputs_given=False, format="graph")
for chosen in ("", "encode"):
    built = reproduction.load_saved_model(TF, "saved_model", chosen)
    print(built.signature, built.function)
"""


def test_a_saved_model_is_built_by_its_signature(tmp_path: Path) -> None:
    _write_harness(tmp_path, find_route("graph"), in_tfjs=False)
    ran = subprocess.run(
        [sys.executable, "-I", "-c", SIGNATURES, str(tmp_path / "harness")], capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == ["serving_default s", "encode e"], ran.stderr


def test_the_harness_holds_nothing_that_it_does_not_import(tmp_path: Path) -> None:
    _write_harness(tmp_path, find_route("graph"), in_tfjs=True)
    names = {path.stem for path in (tmp_path / "harness" / "tfjs_case").iterdir()}
    assert {"__init__", "build", "convert", "record", "signatures", "tensors"} <= names
    assert "confine" not in names


def test_what_rewrites_models_is_there_only_where_one_was_rewritten(tmp_path: Path) -> None:
    _write_harness(tmp_path / "plain", find_route("graph"), in_tfjs=False)
    _write_harness(tmp_path / "rewritten", find_route("graph+rewrite"), in_tfjs=False)
    assert not (tmp_path / "plain" / "harness" / "tfjs_case" / "rewrites").exists()
    program = "import sys; sys.path.insert(0, sys.argv[1]); from tfjs_case.rewrites import walk"
    harness = str(tmp_path / "rewritten" / "harness")
    subprocess.run([sys.executable, "-I", "-c", program, harness], check=True)
