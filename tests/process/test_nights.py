"""A story of nights: releases are planted in an index, and each morning a maintainer reads what changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.cells import cell_len
from support.runs import MINOR, NUMPY, Runs, SlowIndex, add_module
from support.tools import run_here

MATRIX = f"""
models = ["models.py:steady", "models.py:calm", "models.py:moody"]
until = "build"
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
[requirements]
extra = ["helper", "other"]
"""
TENSORFLOW = """
import sys, types
class keras:
    class Model: pass
keras.Model.__module__ = "keras"
sys.modules["keras"] = types.ModuleType("keras")
sys.modules["keras"].__version__ = "2.15.0"
class Module: pass
class random:
    set_seed = int
"""
MODELS = """
from pathlib import Path
import tensorflow as tf

def steady():
    import helper
    helper.help()
    return tf.keras.Model()

def calm():
    return tf.keras.Model()

def moody():
    # A model may write nowhere else, so that chance is where it runs: a retry has a folder of its own.
    if (Path(__file__).parent / "bad-luck").exists() and "retries" not in Path.cwd().parts:
        raise RuntimeError("bad luck")
    return tf.keras.Model()
"""
WELL = "def help(): pass\n"
BROKEN = "def help(): raise ValueError('layers are out of stock')\n"
BROKEN_OTHERWISE = "def help(): raise TypeError('help() takes one more argument')\n"


class Morning(NamedTuple):
    """What a maintainer finds: the exit code, the report, its sentence, annotations, what `diff` says in JSON."""

    code: int
    report: str
    annotations: str
    diff: dict[str, Any]


@pytest.fixture
def place(runs: Runs, index: SlowIndex) -> Runs:
    """A folder with a matrix, over an index with a TensorFlow, and a helper that works."""
    (runs.folder / "m.toml").write_text(MATRIX)
    (runs.folder / "models.py").write_text(MODELS)
    add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
    add_module(index, "numpy", "1.26.4", NUMPY)
    publish(index, "helper", "1.0", WELL)
    publish(index, "other", "7.0", "")
    index.go.set()
    runs.environment |= {"COLUMNS": "80", "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "5"}
    return runs


def publish(index: SlowIndex, name: str, version: str, content: str) -> None:
    """A release that is newer than what there was."""
    index.files[name] = {}
    add_module(index, name, version, content)


def night(place: Runs, *more: str) -> Morning:
    annotations = place.folder / "annotations.txt"
    given = ("--no-cache", "--baseline", str(place.output), "--retries", "1", "--report", f"github={annotations}")
    before = place.folder / "before.json"
    results = place.output / "results.json"
    if results.exists():
        before.write_bytes(results.read_bytes())
    code, out, _ = place.end(place.start(*given, *more), 90)
    assert all(cell_len(line) <= 80 or "/" in line for line in out.splitlines()), "it fits a terminal of 80 columns"
    diff = json.loads(_diff(place, before, results)) if before.exists() else {}
    return Morning(code, " ".join(out.split()), annotations.read_text(), diff)


def _diff(place: Runs, before: Path, after: Path) -> str:
    return run_here(("diff", str(before), str(after), "--json"), place.folder, {}).out


def kinds(morning: Morning) -> dict[str, str]:
    """The kind of each case's change by the model's name, without those that stayed the same."""
    changes = morning.diff["changes"]
    return {
        change["case"].partition("-")[0].removeprefix("models_"): change["kind"]
        for change in changes
        if change["kind"] != "same"
    }


def test_nights_one_after_another(place: Runs, index: SlowIndex) -> None:
    first = night(place)
    assert first.code == 0
    assert "All as expected (until build)." in first.report

    calm = night(place)
    assert (calm.code, kinds(calm)) == (0, {})
    assert "Nothing changed since" in calm.report
    assert "::error" not in calm.annotations

    # A release of a package breaks one model; another package changes as well, and is no culprit of anything.
    publish(index, "helper", "1.1", BROKEN)
    broken = night(place)
    assert (broken.code, kinds(broken)) == (1, {"steady": "regressed"})
    assert "1 × regressed: ValueError: layers are out of stock" in broken.report
    assert "helper 1.0 → 1.1" in broken.report
    assert "1 case regressed (ValueError: layers are out of stock" in broken.report
    assert "; 2 stayed the same." in broken.report
    assert broken.annotations.startswith("::error file=m.toml,line=2,title=1 × regressed%3A ValueError")
    (change,) = (change for change in broken.diff["changes"] if change["kind"] == "regressed")
    assert change["packages"] == {"helper": ["1.0", "1.1"]}
    assert [attempt["verdict"] for attempt in change["after"]["attempts"]] == ["fails", "fails"]

    # The next morning it is known.
    known = night(place)
    assert (known.code, kinds(known)) == (0, {})

    # The package cannot be had: nothing is learned, and nothing is blamed.
    index.faults["helper"] = 1000
    outage = night(place)
    assert outage.code == 3
    assert set(kinds(outage).values()) == {"unknown"}
    assert "The machinery failed for 3 of 3 cases" in outage.report
    index.faults.clear()

    # A release breaks it in another way. The baseline looks through the outage to the last answer.
    publish(index, "helper", "1.2", BROKEN_OTHERWISE)
    otherwise = night(place, "--fail-on", "regressed,other-cause")
    assert otherwise.code == 1
    assert "1 × other-cause: TypeError: help() takes one more argument" in otherwise.report
    assert "helper 1.1 → 1.2" in otherwise.report

    # A release fixes it.
    publish(index, "helper", "1.3", WELL)
    fixed = night(place)
    assert (fixed.code, kinds(fixed)) == (0, {"steady": "fixed"})
    assert "1 case is fixed" in fixed.report
    assert "::warning file=m.toml,line=2,title=1 × fixed" in fixed.annotations

    # A case that fails by chance, and works when it is run again.
    (place.folder / "bad-luck").touch()
    flaky = night(place)
    assert (flaky.code, kinds(flaky)) == (0, {"moody": "flaky"})
    assert "flaky: fails at build, then converts at build" in flaky.report

    (place.folder / "bad-luck").unlink()
    calm = night(place)
    assert calm.code == 0
    assert kinds(calm) == {"moody": "flaky"}, "its last end is one of the two that are known"


@pytest.mark.full
def test_what_the_history_says_afterwards(place: Runs, index: SlowIndex) -> None:
    night(place)
    publish(index, "helper", "1.1", BROKEN)
    night(place)
    publish(index, "helper", "1.3", WELL)
    night(place)
    said = run_here(("history", str(place.output)), place.folder, {"COLUMNS": "80"})
    assert "3 runs, 3 cases: 1 shown, 2 never changed" in " ".join(said.out.split())
    assert "◐✗◐" in said.out
    page = run_here(("report", str(place.output), "--format", "html", "--to", "-"), place.folder, {})
    assert page.out.count('<li class="fails" aria-label=') == 1
