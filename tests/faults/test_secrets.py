"""A password or token in what the caller configures reaches no output, no file and no name of the tool's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.faulty_index import Fault, FaultyIndex
from support.runs import MATRIX, NUMPY, TENSORFLOW, Runs, add_module

SECRET = "hush"


def leaks(runs: Runs, said: str) -> list[str]:
    """Where the secret is: in the output, in a name or in a file. What uv keeps of its own is uv's."""
    found = ["output"] if SECRET in said else []
    for root in (runs.store, runs.output):
        for path in root.rglob("*"):
            if SECRET in path.name or (path.is_file() and SECRET.encode() in path.read_bytes()):
                found.append(str(path))
    return found


def started(tmp_path: Path, index: FaultyIndex, address: str) -> tuple[Runs, int, str]:
    add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
    add_module(index, "tensorflowjs", "4.17.0", "")
    add_module(index, "numpy", "1.26.4", NUMPY)
    runs = Runs(tmp_path, index)  # type: ignore[arg-type]
    runs.environment |= {"UV_DEFAULT_INDEX": address, "UV_HTTP_RETRIES": "0"}
    (runs.folder / "m.toml").write_text(MATRIX.replace(', "model.py:build_slowly"', ""))
    code, out, err = runs.end(runs.start(), 90)
    return runs, code, out + err


ADDRESSES = {
    "user and password": ("http://me:hush@{host}/simple/", 1),
    "token alone": ("http://hush@{host}/simple/", 1),
    "query": ("http://{host}/simple/?token=hush", 3),
    "password with a slash": ("http://me:hu/hush@{host}/simple/", 3),
    "no scheme": ("me:hush@{host}/simple/", 3),
    "no scheme, no password": ("hush@{host}/simple/", 3),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.full] * (name == "token alone")) for name in ADDRESSES]
)
def test_an_index_keeps_its_secret(tmp_path: Path, name: str) -> None:
    form, expected = ADDRESSES[name]
    with FaultyIndex() as index:
        host = index.url.split("/")[2]
        runs, code, said = started(tmp_path, index, form.format(host=host))
        assert code == expected, said
        assert leaks(runs, said) == []
        doctor = subprocess.run(
            [sys.executable, "-m", "tfjs_compat", "doctor"], env=runs.environment, capture_output=True, text=True
        )
        assert leaks(runs, doctor.stdout + doctor.stderr) == []


@pytest.mark.parametrize("part", ["page", "metadata", "wheel"])
def test_a_fault_of_an_index_keeps_its_secret(tmp_path: Path, part: str) -> None:
    with FaultyIndex(Fault("status", part, "numpy")) as index:  # type: ignore[arg-type]
        runs, code, said = started(tmp_path, index, index.url.replace("://", "://me:hush@"))
        assert code == 3, said
        assert leaks(runs, said) == []


REQUIREMENTS = [
    'extra = ["numpy @ https://me:hush@files.example/numpy-1.26.4-py3-none-any.whl"]',
    'extra = ["numpy @ https://files.example/numpy-1.26.4-py3-none-any.whl?token=hush"]',
    'constraints = ["numpy @ git+https://hush@git.example/numpy"]',
    'overrides = ["numpy @ me:hush@files.example/numpy"]',
]


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_a_requirement_with_a_secret_is_refused(tmp_path: Path, line: str) -> None:
    with FaultyIndex() as index:
        runs = Runs(tmp_path, index)  # type: ignore[arg-type]
        (runs.folder / "m.toml").write_text(MATRIX + line + "\n")
        code, out, err = runs.end(runs.start(), 90)
        assert code == 2
        assert leaks(runs, out + err) == []
        assert "holds a password or a token" in " ".join((out + err).split())
