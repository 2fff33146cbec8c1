"""The programs that environments' Pythons run: source text of Python 3.8, which imports nothing of the package."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

INSIDE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside"
PROGRAMS = sorted(path for path in INSIDE.rglob("*.py") if "zoo" not in path.parts)
ALLOWED_IMPORTS = {"h5py", "keras", "numpy", "tensorflow", "tensorflowjs", "tfjs_case"} | set(sys.stdlib_module_names)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_is_python_3_8_and_stands_alone(program: Path) -> None:
    tree = ast.parse(program.read_text("utf-8"), filename=program.name, feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= ALLOWED_IMPORTS
        elif isinstance(node, ast.ImportFrom) and program.parent.name == "rewrites" and node.level == 1:
            # This folder goes along with recipes, under another name.
            assert (program.parent / f"{node.module}.py").exists()
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert str(node.module).partition(".")[0] in ALLOWED_IMPORTS
