"""A watch over an index of our own, night after night: silent when nothing changed, one text when something did."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from support.runs import MINOR, Runs, SlowIndex
from support.watches import Watch, release, watched_index

MATRIX = f"""
models = ["model.py:build"]
until = "import"
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
process_env = ["default", "legacy-keras"]
"""
BUILDER = "import tensorflow as tf\ndef build():\n    return tf.keras.Model()\n"
GOOD = "fine = True\n"


@pytest.fixture
def index() -> Iterator[SlowIndex]:
    with watched_index() as index:
        release(index, "helper", "1.0", GOOD)
        yield index


@pytest.fixture
def watch(runs: Runs) -> Watch:
    return Watch(runs, MATRIX, BUILDER)


def test_it_speaks_only_when_the_world_changed(watch: Watch, index: SlowIndex) -> None:
    code, out, err = watch.night()
    assert (code, out) == (0, ""), err
    assert "the first time: 2 cases kept in state" in err

    code, out, err = watch.night()
    assert (code, out) == (0, ""), err
    assert "2 cases, 0 of them run: no news" in err

    # A release that changes nothing runs what it concerns, and says nothing.
    release(index, "helper", "1.1", GOOD)
    code, out, err = watch.night()
    assert (code, out) == (0, ""), err
    assert "2 cases, 2 of them run: no news" in err

    # One that breaks: one text, with what was released.
    release(index, "helper", "2.0", "raise ImportError('no gears')\n")
    code, out, err = watch.night("--format", "markdown")
    assert code == 1, err
    assert "regressed" in out
    assert "no gears" in out
    assert "helper 1.1 → 2.0" in out
    assert "helper 1.1 → 2.0 (released" in out, err
    assert "1-minimal" in out
    assert "2 news" in err

    # Known since: silent.
    code, out, err = watch.night()
    assert (code, out) == (0, ""), err

    # An outage is no news, and forgets nothing.
    index.status = 503
    code, out, err = watch.night()
    assert (code, out) == (3, ""), err
    index.status = 200

    # One that breaks otherwise.
    release(index, "helper", "2.1", "raise ImportError('no wheels')\n")
    code, out, err = watch.night()
    assert code == 1, err
    assert "no wheels" in out

    # One that fixes.
    release(index, "helper", "3.0", GOOD)
    code, out, err = watch.night("--json")
    assert code == 1, err
    assert json.loads(out)["counts"]["fixed"] == 2


@pytest.mark.full
def test_the_state_alone_is_enough(watch: Watch, runs: Runs, index: SlowIndex) -> None:
    """On a CI machine nothing else is left of the last night: no store, no output folder."""
    assert watch.night()[0] == 0
    runs.environment["TFJS_COMPAT_CACHE"] = str(runs.folder / "another-store")
    subprocess.run(["rm", "-r", str(runs.folder / "out")], check=True)
    code, out, err = watch.night()
    assert (code, out) == (0, ""), err
    assert "0 of them run" in err
    (runs.folder / "model.py").write_text(BUILDER + "\n# changed\n")
    code, out, err = watch.night()
    assert (code, out) == (0, ""), err
    assert "2 of them run" in err


def test_wrong_requests(watch: Watch) -> None:
    code, _, err = watch.night("--state", "out")
    assert code == 2, err
    assert "it is the output folder" in err
    (watch.runs.folder / "state").mkdir()
    (watch.runs.folder / "state" / "results.json").write_text("{")
    code, _, err = watch.night()
    assert code == 2
    assert "state/results.json: damaged" in err
