"""Runs that are killed, interrupted, or lose what they started, at random moments: the next one comes to the same
results, and nothing is left behind."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psutil
import pytest
from support.children import wait_for
from support.runs import MINOR, NUMPY, Runs, SlowIndex, add_module

from tfjs_compat.engine.cache import kept_outcome
from tfjs_compat.environments.registry import list_environments
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.full

MATRIX = f"""
models = ["model.py:quick", "model.py:slow", "model.py:broken", "model.py:forks"]
until = "convert"
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0", "4.22.0"]
process_env = ["default", "legacy-keras"]
"""
# As much of the packages as it takes to convert a model that is nothing.
TENSORFLOW = """
import sys, time, types
time.sleep(0.3)
class Model:
    def save(self, path): open(path, "w").write("model")
Model.__module__ = "keras"
sys.modules["keras"] = keras = types.ModuleType("keras")
keras.Model, keras.__version__ = Model, "2.15.0"
class Module: pass
class random:
    set_seed = int
"""
TENSORFLOWJS = """
import os
class converters:
    def save_keras_model(model, folder):
        os.mkdir(folder)
        for number in range(200):
            open(os.path.join(folder, "group1-shard%d" % number), "w").write("weights")
        open(os.path.join(folder, "model.json"), "w").write("{}")
"""
BUILDERS = """
import subprocess, sys, time
import tensorflow as tf
def quick(): return tf.keras.Model()
def slow():
    time.sleep(0.4)
    return tf.keras.Model()
def broken(): raise ValueError("as always")
def forks():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(7655)"], start_new_session=True)
    time.sleep(0.1)
    return tf.keras.Model()
"""


@pytest.fixture
def index() -> Iterator[SlowIndex]:
    with SlowIndex() as index:
        index.go.set()
        add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
        for version in ("4.17.0", "4.22.0"):
            add_version(index, version)
        add_module(index, "numpy", "1.26.4", NUMPY)
        yield index


def add_version(index: SlowIndex, version: str) -> None:
    """One more version of the converter."""
    before = index.files.pop("tensorflowjs", {})
    add_module(index, "tensorflowjs", version, TENSORFLOWJS)
    index.files["tensorflowjs"] |= before


def comparable(runs: Runs) -> list[dict[str, Any]]:
    """The results without what differs from run to run."""
    results = runs.results()
    assert results["complete"] is True
    return [{key: case[key] for key in case if key not in ("seconds", "cached")} for case in results["cases"]]


def whole(runs: Runs) -> list[str]:
    """The environments of a store, all of which are whole, and so is each outcome that is kept."""
    store, place = Store(runs.store), str(runs.folder)
    roots = [path for path in (store.root / "environments").glob("*") if not path.name.startswith(".")]
    found = [environment.id for environment in list_environments(store)]
    assert sorted(path.name for path in roots) == sorted(found)
    for path in (store.root / "outcomes").iterdir():
        assert path.name.startswith(".") or kept_outcome(path.name, store, place=place) is not None, path
    return sorted(found)


Ending = Literal["kill", "terminate", "quit", "hang up", "interrupt twice", "guard", "server"]
ENDINGS: dict[Ending, int] = {
    "kill": 20,
    "terminate": 6,
    "quit": 6,
    "hang up": 6,
    "interrupt twice": 6,
    "guard": 8,
    "server": 8,
}
"""What is done to a run, and how often: to itself, to a guard or to a fork server below it, which it outlives."""


class Undisturbed(NamedTuple):
    """A run to its end: its results, the environments it left, its seconds and those until its first trial ended."""

    results: list[dict[str, Any]]
    environments: list[str]
    seconds: float
    first: float


def in_folder(folder: Path, index: SlowIndex) -> Runs:
    folder.mkdir()
    runs = Runs(folder, index)
    (runs.folder / "m.toml").write_text(MATRIX)
    (runs.folder / "model.py").write_text(BUILDERS)
    return runs


def trials_ended(runs: Runs) -> int:
    journal = runs.output / "results.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def undisturbed(folder: Path, index: SlowIndex) -> Undisturbed:
    runs = in_folder(folder, index)
    started = time.monotonic()
    child = runs.start()
    assert wait_for(lambda: trials_ended(runs), 60)
    first = time.monotonic() - started
    code, _, _ = runs.end(child, 120)
    assert code == 1
    expected = comparable(runs)
    assert {(case["verdict"], case["stage"]) for case in expected} == {("converts", "convert"), ("fails", "build")}
    return Undisturbed(expected, whole(runs), time.monotonic() - started, first)


def victim(child: subprocess.Popen[str], ending: Ending) -> psutil.Process | None:
    """A guard of the run, or a fork server; None where it has none now."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(child.pid).children(recursive=True):
            words = " ".join(process.cmdline())
            if ("guard.py" in words) if ending == "guard" else ("--serve" in words and "guard.py" not in words):
                return process
    return None


def disturb(child: subprocess.Popen[str], ending: Ending, draw: random.Random) -> None:
    if ending in ("guard", "server"):
        if (found := victim(child, ending)) is not None:
            with contextlib.suppress(psutil.Error):
                found.kill()
        return
    numbers = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "quit": signal.SIGQUIT, "hang up": signal.SIGHUP}
    child.send_signal(numbers.get(ending, signal.SIGINT))
    if ending == "interrupt twice":
        time.sleep(draw.uniform(0, 0.4))
        child.send_signal(signal.SIGINT)


@pytest.mark.parametrize("ending", ENDINGS)
def test_disturbed_at_random_moments(tmp_path: Path, index: SlowIndex, ending: Ending) -> None:
    draw = random.Random(f"{ending} 20240410")
    expected = undisturbed(tmp_path / "undisturbed", index)
    times = ENDINGS[ending]
    after_a_trial = came_to_its_end = 0
    for number in range(times):
        runs = in_folder(tmp_path / f"disturbed-{number}", index)
        child = runs.start()
        if ending == "interrupt twice":
            # An interrupt while Python itself starts is Python's: it prints a traceback.
            wait_for(lambda runs=runs, child=child: runs.output.exists() or child.poll() is not None, 60)
        if number % 4:
            # The later part, from the moment at which the first trial has ended.
            wait_for(lambda runs=runs, child=child: trials_ended(runs) or child.poll() is not None, 60)
            time.sleep(draw.uniform(0, max(0.1, 0.8 * (expected.seconds - expected.first))))
        else:
            time.sleep(draw.uniform(0, expected.first))
        after_a_trial += trials_ended(runs) > 0
        over = child.poll() is not None
        disturb(child, ending, draw)
        code, _, _ = runs.end(child, 120)
        # One that took no notice of what was done to it proves nothing either.
        came_to_its_end += over if ending in ("guard", "server") else code == 1
        if ending in ("guard", "server"):
            # It goes on: with the same results, or with a fault of the machinery, which is no verdict.
            assert code in (1, 3)
            ended = comparable(runs) if (runs.output / "results.json").exists() else []
            answers = {case["id"]: case for case in ended if case["verdict"] != "error"}
            assert all(answers[case["id"]] == case for case in expected.results if case["id"] in answers)
            assert (len(answers) == len(expected.results)) == (code == 1)
        elif ending in ("terminate", "interrupt twice"):
            assert code in (130, 1, -signal.SIGTERM, -signal.SIGINT)
        assert wait_for(lambda runs=runs: runs.left() == [], 10), runs.left()
        code, _, _ = runs.end(runs.start(), 120)
        assert code == 1
        assert comparable(runs) == expected.results
        assert whole(runs) == expected.environments
        assert runs.left() == []
        shutil.rmtree(runs.folder)
    assert came_to_its_end <= times // 2, "disturbed too late, or not at all, to prove anything"
    assert after_a_trial >= times // 2, "disturbed too early to prove anything"
