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


def test_a_worker_that_dies_costs_the_case_that_it_was_at(house: Runs) -> None:
    with cluster(house.folder / "cluster", house.environment, 1) as one:
        child = start(house, "--output", "over", "--executor", f"dask://{one.address}")
        journal = house.folder / "project" / "over" / "results.jsonl"
        # All six are one task, and each is there before the task ends.
        assert wait_for(lambda: journal.exists() and len(journal.read_text().splitlines()) >= 2, 90)
        one.kill(one.workers[0])
        before = journal.read_text().splitlines()
        assert 2 <= len(before) < 6
        one.add_worker()
        code, _, err = house.end(child, 180)
        assert code == 1, err
        assert journal.read_text().splitlines()[: len(before)] == before
        found = cases_of(house.folder / "project" / "over")
        assert [case["verdict"] for case in found] == ["fails"] * 6
        assert all((house.folder / "project" / "over" / case["log"]).read_text() for case in found)
        assert len(journal.read_text().splitlines()) == 6


@pytest.mark.full
def test_a_worker_that_dies_costs_nothing(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(three.building()), 180)
    three.kill(three.workers[three.building()[0]])
    code, _, err = house.end(child, 180)
    assert code == 1, err
    found = cases_of(house.folder / "project" / "over")
    assert [case["verdict"] for case in found] == ["fails"] * 6
    lines = (house.folder / "project" / "over" / "results.jsonl").read_text().splitlines()
    assert len(lines) == 6


def test_a_worker_has_its_wheels_of_another(house: Runs, index: SlowIndex) -> None:
    with cluster(house.folder / "cluster", house.environment, 1) as two:
        code, _, err = house.end(start(house, "--output", "over", "--executor", f"dask://{two.address}"), 180)
        assert code == 1, err
        # From now on the index has nothing that a lock allows.
        for files in index.files.values():
            files.update(dict.fromkeys(files, b"no wheel"))
        (house.folder / "project" / "beside.py").write_text('word = "changed "\n')
        two.add_worker()
        two.wait_for_workers()
        code, _, err = house.end(start(house, "--output", "again", "--executor", f"dask://{two.address}"), 180)
        assert code == 1, err
        assert [case["verdict"] for case in cases_of(house.folder / "project" / "again")] == ["fails"] * 6
        wheels = [{path.name for path in two.store(number).glob("wheels/*")} for number in (0, 1)]
        assert len(wheels[0]) == 3
        assert wheels[1] == wheels[0]


def test_a_scheduler_that_dies_is_the_machines_fault(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(three.building()), 180)
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
    assert wait_for(lambda: bool(three.building()), 180)
    os.killpg(child.pid, signal.SIGINT)
    code, _, err = house.end(child, 180)
    assert code == 130, err
    assert wait_for(lambda: not three.building(), 60)
    assert all(worker.poll() is None for worker in three.workers)


@pytest.mark.full
def test_a_coordinator_that_is_killed_leaves_no_work(house: Runs, three: Cluster) -> None:
    child = start(house, "--output", "over", "--executor", f"dask://{three.address}")
    assert wait_for(lambda: bool(three.building()), 180)
    child.kill()
    child.wait(30)
    assert wait_for(lambda: not three.building(), 90)


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


def test_a_model_that_cannot_travel_is_said_before_anything_runs(house: Runs, three: Cluster) -> None:
    data = house.folder / "project" / "data"
    for number in range(5001):
        (data / f"{number}.csv").touch()
    code, _, err = house.end(start(house, "--output", "over", "--executor", f"dask://{three.address}"), 120)
    assert code == 2, err
    assert "model 'model.py:build'" in err
    assert "hint: put the builder and its data into a folder of their own" in err
    assert not (house.folder / "project" / "over" / "results.json").exists()
