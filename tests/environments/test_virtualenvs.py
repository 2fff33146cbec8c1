"""Empty virtualenvs: one at a time in a process, and what failing means."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tfjs_compat.environments.virtualenvs import make_virtualenv
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.system.store import Store

PYTHON = Interpreter("{}.{}.{}".format(*sys.version_info[:3]), "linux-x86_64", os.path.realpath(sys.executable))


def test_two_threads_make_one_after_the_other(tmp_path: Path) -> None:
    store, running, together = Store(tmp_path / "store"), threading.Semaphore(1), []

    def create(arguments: Sequence[str], _variables: Mapping[str, str]) -> None:
        together.append(not running.acquire(blocking=False))
        time.sleep(0.02)
        running.release()

    with ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda name: make_virtualenv(tmp_path / name, PYTHON, store, create), "abcdefgh"))
    assert together == [False] * 8


def test_threads_that_make_many_get_them_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda name: make_virtualenv(tmp_path / name, PYTHON, store), "abcd"))
    assert all((tmp_path / name / "pyvenv.cfg").exists() for name in "abcd")


@pytest.mark.parametrize("error", [RuntimeError("no such Python"), OSError(28, "No space left"), SystemExit(1)])
def test_what_virtualenv_raises_is_a_machinery_fault(tmp_path: Path, error: BaseException) -> None:
    def create(*_: object) -> None:
        raise error

    with pytest.raises(MachineryError, match="no virtualenv can be made with"):
        make_virtualenv(tmp_path / "venv", PYTHON, Store(tmp_path / "store"), create)
    make_virtualenv(tmp_path / "venv", PYTHON, Store(tmp_path / "store"))


def test_the_callers_variables_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    seen: list[Mapping[str, str]] = []
    make_virtualenv(tmp_path, PYTHON, Store(tmp_path / "store"), lambda _, variables: seen.append(variables))
    assert "SOME_TOKEN" not in seen[0]
