"""``kill -9`` of the runner at random moments: the next run comes to the same results, and nothing is left behind."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.children import wait_for
from support.runs import MINOR, NUMPY, Runs, SlowIndex, add_module

from tfjs_compat.engine.cache import kept_outcome
from tfjs_compat.environments.registry import list_environments
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.full

MOMENTS = 20
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
import time
time.sleep(0.3)
class keras:
    class Model:
        def save(self, path): open(path, "w").write("model")
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


def whole(store: Store) -> list[str]:
    """The environments of a store, all of which are whole, and so is each outcome that is kept."""
    roots = [path for path in (store.root / "environments").glob("*") if not path.name.startswith(".")]
    found = [environment.id for environment in list_environments(store)]
    assert sorted(path.name for path in roots) == sorted(found)
    for path in (store.root / "outcomes").iterdir():
        assert path.name.startswith(".") or kept_outcome(path.name, store) is not None, path
    return sorted(found)


def test_killed_at_random_moments(tmp_path: Path, index: SlowIndex) -> None:
    random.seed(20240410)

    def in_folder(name: str) -> Runs:
        (tmp_path / name).mkdir()
        runs = Runs(tmp_path / name, index)
        (runs.folder / "m.toml").write_text(MATRIX)
        (runs.folder / "model.py").write_text(BUILDERS)
        return runs

    undisturbed = in_folder("undisturbed")
    started = time.monotonic()
    code, _, _ = undisturbed.end(undisturbed.start(), 120)
    seconds = time.monotonic() - started
    assert code == 1
    expected = comparable(undisturbed)
    assert {(case["verdict"], case["stage"]) for case in expected} == {("converts", "convert"), ("fails", "build")}
    environments_expected = whole(Store(undisturbed.store))

    came_to_its_end = 0
    for number in range(MOMENTS):
        runs = in_folder(f"killed-{number}")
        child = runs.start()
        # Spread over the run: one moment in each twentieth of it.
        time.sleep(seconds * (number + random.random()) / MOMENTS)
        came_to_its_end += child.poll() is not None
        child.kill()
        child.communicate()
        assert wait_for(lambda runs=runs: runs.left() == [], 8), runs.left()
        code, _, _ = runs.end(runs.start(), 120)
        assert code == 1
        assert comparable(runs) == expected
        assert whole(Store(runs.store)) == environments_expected
        assert runs.left() == []
    assert came_to_its_end < MOMENTS // 2, "killed too late to prove anything"
