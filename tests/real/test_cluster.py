"""Real TensorFlow over three workers with stores of their own: the results of threads, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.children import wait_for
from support.clusters import Cluster, cluster

from tfjs_compat.system.store import Store

MATRIX = """
models = ["zoo:mlp", "model.py:build"]
routes = ["layers", "graph"]
[axes]
python = ["{minor}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
as_of = ["2024-04-10"]
process_env = ["default", "no-onednn"]
"""
MODEL = """
import tensorflow as tf
def build():
    given = tf.keras.Input((4,))
    return tf.keras.Model(given, tf.keras.layers.Dense(2)(given))
"""
TIMES = ("seconds", "cached", "excerpt")
"""TensorFlow writes the time into each line of a log, and so of an excerpt of one."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "m.toml").write_text(MATRIX.format(minor="{}.{}".format(*sys.version_info[:2])))
    (folder / "model.py").write_text(MODEL)
    return folder


def start(project: Path, store: Store, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tfjs_compat", "run", "m.toml", *arguments],
        cwd=project,
        env={**os.environ, "TFJS_COMPAT_CACHE": str(store.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(child: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        said, _ = child.communicate(timeout=1200)
    finally:
        child.kill()
    return child.returncode, said


def cases_of(output: Path) -> list[dict[str, Any]]:
    found = json.loads((output / "results.json").read_text())["cases"]
    return [{key: value for key, value in case.items() if key not in TIMES} for case in found]


@pytest.fixture(scope="module")
def over_threads(project: Path, store: Store) -> list[dict[str, Any]]:
    code, said = end(start(project, store, "--output", "threads"))
    # oneDNN fuses what TensorFlow.js has no kernel for: one of the cases fails.
    assert code == 1, said
    found = cases_of(project / "threads")
    assert [case["verdict"] for case in found].count("works") == 7
    return found


@pytest.fixture(scope="module")
def three(
    project: Path, store: Store, over_threads: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Of three workers the first has the wheels already, as links to those of this machine; nothing else is shared."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TFJS_COMPAT_")}
    # Not in the project: a builder takes its folder along.
    with cluster(tmp_path_factory.mktemp("cluster"), variables, 0) as made:
        first = Store(made.store(0)).folder("wheels")
        (environment,) = json.loads((project / "threads" / "results.json").read_text())["locks"]
        for key in json.loads((store.root / "environments" / environment / "environment.json").read_text())["trees"]:
            shutil.copytree(store.root / "wheels" / key, first / key, copy_function=os.link)
        for _ in range(3):
            made.add_worker()
        made.wait_for_workers()
        yield made
    # Gigabytes.
    shutil.rmtree(made.store(0).parent)


@pytest.mark.full
def test_three_workers_come_to_what_threads_come_to(
    project: Path, store: Store, three: Cluster, over_threads: list[dict[str, Any]]
) -> None:
    code, said = end(start(project, store, "--no-cache", "--output", "over", "--executor", f"dask://{three.address}"))
    assert code == 1, said
    assert cases_of(project / "over") == over_threads
    # Each has the wheels of the first, or fetched them: the whole of TensorFlow in a store of its own.
    for number in range(3):
        assert list(three.store(number).glob("wheels/tensorflow-2.15.0-*/tensorflow/python/*.so"))


@pytest.mark.full
def test_a_worker_that_is_killed_and_an_interrupt_cost_nothing(
    project: Path, store: Store, three: Cluster, over_threads: list[dict[str, Any]]
) -> None:
    again = ("--no-cache", "--executor", f"dask://{three.address}")
    child = start(project, store, *again, "--output", "interrupted")
    assert wait_for(lambda: bool(three.building()), 600)
    os.killpg(child.pid, signal.SIGINT)
    assert end(child)[0] == 130
    assert wait_for(lambda: not three.building(), 60)

    child = start(project, store, *again, "--output", "killed")
    assert wait_for(lambda: bool(three.building()), 600)
    three.kill(three.workers[three.building()[0]])
    code, said = end(child)
    assert code == 1, said
    assert cases_of(project / "killed") == over_threads
    assert len((project / "killed" / "results.jsonl").read_text().splitlines()) == 8

    # What was interrupted goes on.
    code, said = end(start(project, store, "--output", "interrupted", "--executor", f"dask://{three.address}"))
    assert code == 1, said
    assert cases_of(project / "interrupted") == over_threads
