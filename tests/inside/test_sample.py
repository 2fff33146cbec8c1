"""What is taken of a model before it is converted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside"
PROGRAM = """
import sys, types
sys.path.append(sys.argv[1])
from tfjs_case import sample
sample.signature(None, {}, types.SimpleNamespace(signatures=dict.fromkeys(sys.argv[2:])))
"""


@pytest.mark.parametrize(("names", "listed"), [((), "none"), (("train", "predict"), "train, predict")])
def test_a_saved_model_without_its_signature_names_those_it_has(names: tuple[str, ...], listed: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(INSIDE), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert f"has no signature 'serving_default'; it has: {listed}\n" in done.stderr
