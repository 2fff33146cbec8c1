"""The converter's command line, as the program inside runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside"
PROGRAM = """
import json, sys
sys.path.append(sys.argv[1])
from tfjs_case import convert
convert.convert(None, json.loads(sys.argv[2]), None)
"""


def convert(folder: Path, converter: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in place of the converter."""
    script = folder / "converter"
    script.write_text("#!/bin/sh\n" + converter)
    script.chmod(0o755)
    route = {"command": ["--input_format=keras"], "flags": [], "serialize": "keras", "format": "layers"}
    job = {"python": sys.executable, "converter": str(script), "route": route, "options": {}}
    command = [sys.executable, "-I", "-c", PROGRAM, str(INSIDE), json.dumps(job)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_killed_converter_ends_its_case_as_it_ended(tmp_path: Path, number: signal.Signals) -> None:
    done = convert(tmp_path, f"echo before\nkill -{number.value} $$")
    assert done.returncode == -number
    assert done.stdout == "before\n\n"


@pytest.mark.parametrize(
    ("converter", "message"),
    [
        (
            "echo no such option; exit 2",
            "ConverterFailed: tensorflowjs_converter ended with exit code 2: no such option",
        ),
        ("exit 0", "ConverterFailed: tensorflowjs_converter ended without writing a model.json: it printed nothing"),
        ("kill -SEGV $$", "ConverterFailed: tensorflowjs_converter ended with exit code -11: it printed nothing"),
    ],
)
def test_a_converter_that_fails_by_itself_is_a_failure(tmp_path: Path, converter: str, message: str) -> None:
    done = convert(tmp_path, converter)
    assert done.returncode == 1
    assert message in done.stderr
