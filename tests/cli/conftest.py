from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import Ran, Tool, environment
from support.samples import SmallIndex
from support.tools import run_here


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tool(tmp_path: Path, cache: Path) -> Tool:
    """Runs the command in an empty folder, over a store of the tests' own: in this process, which saves its start."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        started = time.monotonic()
        said = run_here(arguments, tmp_path, environment(cache, env))
        return Ran(said.code, said.out, said.err, time.monotonic() - started)

    return run


@pytest.fixture
def child(tmp_path: Path, cache: Path) -> Tool:
    """The same as a process of its own, where starting and ending is the subject."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tfjs_compat", *arguments],
            cwd=tmp_path,
            env=environment(cache, env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    return run


@pytest.fixture
def index(small_index: SmallIndex) -> SmallIndex:
    """An index that has a TensorFlow and a converter of a hundred bytes."""
    small_index.add("tensorflow", "2.15.0")
    small_index.add("tensorflowjs", "4.17.0", "tensorflow")
    return small_index
