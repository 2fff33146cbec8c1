"""Nights of a watch as a maintainer has them: it names the release that did it, and is silent about everything else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from support.runs import MINOR, NUMPY, Runs, SlowIndex, add_module
from support.watches import Watch, release, watched_index

MATRIX = f"""
models = ["model.py:build", "model.py:moody"]
until = "build"
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
"""
MODELS = """
from pathlib import Path
import tensorflow as tf

def build():
    return tf.keras.Model()

def moody():
    # A retry has a folder of its own.
    if (Path(__file__).parent / "bad-luck").exists() and "retries" not in Path.cwd().parts:
        raise RuntimeError("bad luck")
    return tf.keras.Model()
"""
HELPER = "import gears\n"
MARKDOWN = ("--format", "markdown")


@pytest.fixture
def index() -> Iterator[SlowIndex]:
    with watched_index() as index:
        release(index, "helper", "1.0", HELPER, "gears")
        release(index, "gears", "1.0", "teeth = 1\n")
        yield index


@pytest.fixture
def watch(runs: Runs) -> Watch:
    return Watch(runs, MATRIX, MODELS)


def test_a_dependency_of_a_dependency_is_named_and_silence_kept(watch: Watch, index: SlowIndex) -> None:
    assert watch.night(*MARKDOWN)[:2] == (0, "")
    release(index, "gears", "2.0", "raise ImportError('no teeth')\n")
    code, out, err = watch.night(*MARKDOWN)
    assert code == 1, err
    assert "gears 1.0 → 2.0 (released" in out
    assert "required by helper 1.0" in out
    assert "helper 1.0 →" not in out

    # It is withdrawn: what it broke is fixed.
    index.yanked = {name for name in index.files["gears"] if "2.0" in name}
    code, out, err = watch.night(*MARKDOWN)
    assert code == 1, err
    assert "fixed" in out

    # A break and its fix in one night; a release for another Python: nothing to speak of.
    release(index, "gears", "2.1", "raise ImportError('no teeth')\n")
    release(index, "gears", "2.2", "teeth = 2\n")
    code, out, err = watch.night(*MARKDOWN)
    assert (code, out) == (0, ""), err
    index.files["gears"]["gears-3.0-cp27-cp27m-any.whl"] = b"never fetched"
    index.metadata["gears-3.0-cp27-cp27m-any.whl.metadata"] = b"Metadata-Version: 2.1\nName: gears\nVersion: 3.0\n"
    code, out, err = watch.night(*MARKDOWN)
    assert (code, out) == (0, ""), err
    assert "2 cases, 0 of them run" in err


@pytest.mark.full
def test_two_releases_that_break_only_together_are_both_named(watch: Watch, index: SlowIndex) -> None:
    assert watch.night(*MARKDOWN)[:2] == (0, "")
    release(index, "gears", "1.1", "teeth = 2\n")
    release(index, "helper", "1.1", "import gears\nif gears.teeth == 2: raise ImportError('two teeth')\n", "gears")
    release(index, "numpy", "1.26.5", NUMPY)
    code, out, err = watch.night(*MARKDOWN)
    assert code == 1, err
    assert "gears 1.0 → 1.1 (released" in out
    assert "helper 1.0 → 1.1 (released" in out
    assert "numpy 1.26.4 → 1.26.5 (released" not in out


@pytest.mark.full
def test_chance_is_said_once_and_as_such(watch: Watch, index: SlowIndex) -> None:
    assert watch.night(*MARKDOWN)[:2] == (0, "")
    (watch.runs.folder / "bad-luck").touch()
    release(index, "gears", "1.1", "teeth = 1\n")
    code, out, err = watch.night(*MARKDOWN)
    assert code == 1, err
    assert "flaky" in out
    assert "regressed" not in out
    release(index, "gears", "1.2", "teeth = 1\n")
    code, out, err = watch.night(*MARKDOWN)
    assert (code, out) == (0, ""), err
    (watch.runs.folder / "bad-luck").unlink()
    assert watch.night(*MARKDOWN)[:2] == (0, "")


@pytest.mark.full
def test_news_beside_a_fault_is_spoken_of(watch: Watch, index: SlowIndex) -> None:
    add_module(index, "keras", "3.0.0", "")
    (watch.runs.folder / "m.toml").write_text(MATRIX + 'keras = ["resolved", "3.0.0"]\n')
    assert watch.night(*MARKDOWN)[:2] == (0, "")
    release(index, "gears", "2.0", "raise ImportError('no teeth')\n")
    index.faults["keras"] = 1000
    code, out, err = watch.night(*MARKDOWN)
    assert code == 3, err
    assert "2 cases regressed" in out
    # What the fault kept back is spoken of when it is over.
    index.faults.clear()
    code, out, err = watch.night(*MARKDOWN)
    assert code == 1, err
    assert "2 cases regressed" in out


@pytest.mark.full
def test_a_state_that_is_lost_damaged_or_of_another_matrix(watch: Watch) -> None:
    assert watch.night(*MARKDOWN)[:2] == (0, "")
    content = (watch.state / "results.json").read_text()
    # Lost, in part or whole.
    for path in (watch.state / "locks").iterdir():
        path.unlink()
    code, out, err = watch.night(*MARKDOWN)
    assert (code, out) == (0, ""), err
    subprocess.run(["rm", "-r", str(watch.state)], check=True)
    code, out, err = watch.night(*MARKDOWN)
    assert (code, out) == (0, ""), err
    assert "the first time" in err

    for damaged in ("{", content[: len(content) // 2], json.dumps({**json.loads(content), "schema": 99})):
        (watch.state / "results.json").write_text(damaged)
        code, out, err = watch.night(*MARKDOWN)
        assert (code, out) == (2, ""), err
        assert "state" in err
        assert "hint: " in err
        assert (watch.state / "results.json").read_text() == damaged

    # Of another matrix: a case that has left is forgotten, one that is new is named.
    (watch.state / "results.json").write_text(content)
    (watch.runs.folder / "m.toml").write_text(MATRIX.replace('"model.py:build", ', ""))
    code, out, err = watch.night(*MARKDOWN)
    assert (code, out) == (0, ""), err
    (watch.runs.folder / "m.toml").write_text(MATRIX)
    code, out, err = watch.night(*MARKDOWN)
    assert code == 1, err
    assert "1 case is new" in out
