"""Runs over a cluster whose workers have stores of their own: the results of one machine, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.children import wait_for
from support.clusters import Cluster, cluster
from support.runs import MINOR, Runs, SlowIndex

MATRIX = f"""
models = ["model.py:build", "model.py:reads", "model.py:slow"]
until = "build"
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
process_env = ["default", "no-onednn"]
"""
BUILDERS = """
import time
from beside import word
def build():
    raise ValueError("ended")
def reads():
    raise ValueError(word + open(__file__.rpartition("/")[0] + "/data/words.txt").read())
def slow():
    time.sleep(4)
    raise ValueError("slow")
"""


@pytest.fixture
def house(runs: Runs, index: SlowIndex) -> Runs:
    index.go.set()
    # A folder of its own: the models travel with what lies beside them.
    folder = runs.folder / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "m.toml").write_text(MATRIX)
    (folder / "model.py").write_text(BUILDERS)
    (folder / "beside.py").write_text('word = "found "\n')
    (folder / "data" / "words.txt").write_text("words")
    return runs


@pytest.fixture
def three(house: Runs) -> Iterator[Cluster]:
    with cluster(house.folder / "cluster", house.environment, 3) as made:
        yield made


def start(runs: Runs, *arguments: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tfjs_compat", "run", "m.toml", *arguments],
        cwd=runs.folder / "project",
        env=runs.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    runs.started.append(child)
    return child


def cases_of(output: Path) -> list[dict[str, Any]]:
    found = json.loads((output / "results.json").read_text())["cases"]
    return [{key: value for key, value in case.items() if key not in ("seconds", "cached")} for case in found]


def building(cluster: Cluster) -> list[int]:
    """The numbers of the workers of which a child runs a case."""
    found = []
    for number in range(len(cluster.workers)):
        with_job = (cluster.store(number) / "scratch").glob("remote-*/servers/*/record.jsonl")
        if any(True for _ in with_job):
            found.append(number)
    return found


def test_three_workers_come_to_what_threads_come_to(house: Runs, three: Cluster) -> None:
    code, _, err = house.end(start(house, "--output", "threads"), 120)
    assert code == 1, err
    code, _, err = house.end(start(house, "--output", "over", "--executor", f"dask://{three.address}"), 120)
    assert code == 1, err
    here, there = house.folder / "project" / "threads", house.folder / "project" / "over"
    assert cases_of(there) == cases_of(here)
    assert "found words" in json.dumps(cases_of(there))
    for case in cases_of(there):
        assert (there / case["log"]).read_text()
    # Workers keep what they found: the next run asks them, and nothing runs.
    code, _, _ = house.end(start(house, "--output", "again", "--executor", f"dask://{three.address}"), 120)
    assert code == 1
    assert cases_of(house.folder / "project" / "again") == cases_of(here)


@pytest.mark.full
def test_a_worker_that_dies_costs_nothing(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(building(three)), 60)
    three.kill(three.workers[building(three)[0]])
    code, _, err = house.end(child, 180)
    assert code == 1, err
    found = cases_of(house.folder / "project" / "over")
    assert [case["verdict"] for case in found] == ["fails"] * 6
    lines = (house.folder / "project" / "over" / "results.jsonl").read_text().splitlines()
    assert len(lines) == 6


def test_a_scheduler_that_dies_is_the_machines_fault(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(building(three)), 60)
    three.kill(three.scheduler)
    code, _, err = house.end(child, 120)
    assert code == 3, err
    found = cases_of(house.folder / "project" / "over")
    assert {case["verdict"] for case in found} <= {"error", "fails"}
    assert any(case["verdict"] == "error" for case in found)
    # The next run goes on, with whatever there is.
    code, _, err = house.end(start(house, "--output", "over"), 120)
    assert code == 1, err
    assert [case["verdict"] for case in cases_of(house.folder / "project" / "over")] == ["fails"] * 6


def test_an_interrupt_ends_the_work_everywhere(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(building(three)), 60)
    os.killpg(child.pid, signal.SIGINT)
    code, _, err = house.end(child, 60)
    assert code == 130, err
    assert wait_for(lambda: not building(three), 20)
    assert all(worker.poll() is None for worker in three.workers)


@pytest.mark.full
def test_a_coordinator_that_is_killed_leaves_no_work(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(building(three)), 60)
    child.kill()
    child.wait(30)
    assert wait_for(lambda: not building(three), 90)


def test_processes_of_this_machine_as_a_cluster(house: Runs) -> None:
    code, out, err = house.end(start(house, "--output", "local", "--executor", "dask-local:2", "--json"), 120)
    assert code == 1, err
    assert [case["verdict"] for case in json.loads(out)["cases"]] == ["fails"] * 6
    time.sleep(0.5)
    assert house.left() == []


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("dask://127.0.0.1:1", 3, "the scheduler cannot be reached"),
        ("dask://nowhere", 2, "not the HOST:PORT of a scheduler"),
        ("dask://", 2, "not the HOST:PORT of a scheduler"),
    ],
)
def test_a_cluster_that_cannot_be_had_is_said(house: Runs, name: str, code: int, message: str) -> None:
    ended, _, err = house.end(start(house, "--output", "x", "--executor", name), 90)
    assert (ended, message in err) == (code, True), err
