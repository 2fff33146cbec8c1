"""`run --watch` on a builder that is edited: real saves, real servers; the packages are modules of a few lines."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.children import wait_for
from support.runs import MATRIX, Runs, SlowIndex, add_module

GOOD = "import tensorflow as tf\ndef build():\n    return tf.keras.Model()\n"
FAILS = "def build():\n    raise ValueError('{0}')\n"
SLOW = """
import os, time
def build():
    open(os.path.join({0!r}, "began"), "a").write("x")
    time.sleep(8531)
"""
TENSORFLOW = """
import keras
class Module: pass
class random:
    set_seed = int
open({0!r}, "a").write("x")
"""


class Loop:
    """A command that watches, and what it says of each save."""

    def __init__(self, runs: Runs, *arguments: str) -> None:
        self.runs = runs
        self.child: subprocess.Popen[str] = runs.start("--watch", "--json", "--until", "build", *arguments)
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._lines.put(json.loads(line))

    def next(self, seconds: float = 90.0) -> dict[str, Any]:
        """What it says next."""
        return self._lines.get(timeout=seconds)

    def case(self) -> dict[str, Any]:
        (case,) = self.next()["cases"]
        found: dict[str, Any] = case
        return found

    def says_no_more(self, seconds: float = 1.0) -> bool:
        with contextlib.suppress(queue.Empty):
            self._lines.get(timeout=seconds)
            return False
        return True

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.child.send_signal(number)
        return self.child.wait(timeout=20)


@pytest.fixture
def imports(runs: Runs, index: SlowIndex) -> Path:
    """A file with one character for each import of TensorFlow."""
    index.go.set()
    file = runs.folder / "imports"
    add_module(index, "tensorflow", "2.15.0", TENSORFLOW.format(str(file)), "numpy", "keras")
    add_module(index, "keras", "2.15.0", "class Model: pass\n__version__ = '2.15.0'\n")
    (runs.folder / "m.toml").write_text(MATRIX.replace(', "model.py:build_slowly"', ""))
    (runs.folder / "model.py").write_text(GOOD)
    return file


@pytest.fixture
def loop(runs: Runs, imports: Path) -> Iterator[Loop]:
    loop = Loop(runs)
    assert (case := loop.case())["verdict"] == "converts", case["message"]
    yield loop
    loop.end(signal.SIGTERM)
    assert wait_for(lambda: runs.left() == [], 5)


def save(path: Path, content: str) -> None:
    """As editors do it: another file is put in the place of the one that is there."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(content)
    beside.replace(path)


def test_each_save_has_its_verdict_and_what_changed(loop: Loop, runs: Runs, imports: Path) -> None:
    model = runs.folder / "model.py"
    save(model, FAILS.format("first"))
    said = loop.next()
    (case,) = said["cases"]
    assert said["saved"] == ["model.py"]
    assert (case["verdict"], case["stage"], case["change"]) == ("fails", "build", "regressed")
    assert case["message"] == "ValueError: first"
    save(model, FAILS.format("second"))
    assert loop.case()["signature"] == "ValueError: second"
    save(model, GOOD)
    assert (case := loop.case())["change"] == "fixed"
    # What was saved before is not run again.
    assert case["cached"]
    assert imports.read_text() == "x"


def test_what_a_builder_imports_and_opens_counts(loop: Loop, runs: Runs, imports: Path) -> None:
    data, helper, other = (runs.folder / name for name in ("data.txt", "helper.py", "README"))
    data.write_text("one")
    helper.write_text("def fail(): raise ValueError(open('data.txt').read())\n")
    save(runs.folder / "model.py", f"import os, helper\nos.chdir({str(runs.folder)!r})\ndef build(): helper.fail()\n")
    assert loop.case()["message"] == "ValueError: one"
    save(data, "two")
    assert loop.case()["message"] == "ValueError: two"
    save(helper, "def fail(): raise ValueError('three')\n")
    assert loop.case()["message"] == "ValueError: three"
    other.write_text("nothing reads this")
    assert loop.says_no_more()
    assert imports.read_text() == "x"


def test_broken_code_is_said_and_the_next_save_counts(loop: Loop, runs: Runs) -> None:
    model = runs.folder / "model.py"
    save(model, "def build(:\n")
    assert "model.py line 1 is not valid Python" in loop.next()["error"]
    model.unlink()
    assert "there is no model.py" in loop.next()["error"]
    model.write_text(FAILS.format("back"))
    assert loop.case()["message"] == "ValueError: back"


def test_a_burst_of_saves_is_one(loop: Loop, runs: Runs) -> None:
    model = runs.folder / "model.py"
    for number in range(20):
        if number % 3 == 0:
            model.unlink()
        model.write_text(FAILS.format(number))
        time.sleep(0.004)
    assert loop.case()["message"] == "ValueError: 19"
    assert loop.says_no_more()


def test_a_save_during_a_run_begins_it_anew(loop: Loop, runs: Runs, imports: Path) -> None:
    model, matrix = runs.folder / "model.py", runs.folder / "m.toml"
    save(matrix, f"{matrix.read_text()}\n[permissions]\nwrite = ['.']\n")
    assert loop.next()["saved"] == ["m.toml"]
    save(model, SLOW.format(str(runs.folder)))
    assert wait_for(lambda: (runs.folder / "began").exists())
    save(model, FAILS.format("after"))
    assert loop.case()["message"] == "ValueError: after"
    assert not any("8531" in words for words in runs.left())
    # The case was ended, and not what it was forked from.
    assert imports.read_text() == "x"


def test_another_matrix_means_other_cases(loop: Loop, runs: Runs) -> None:
    matrix = runs.folder / "m.toml"
    save(matrix, matrix.read_text().replace("[axes]", 'routes = ["layers", "graph"]\n[axes]'))
    assert sorted((case["route"], case["change"]) for case in loop.next()["cases"]) == [
        ("graph", "new"),
        ("layers", "same"),
    ]
    save(matrix, "models = 3\n")
    assert "m.toml" in loop.next()["error"]


def test_a_server_that_is_gone_is_replaced(loop: Loop, runs: Runs, imports: Path) -> None:
    (server,) = [words for words in runs.left() if "--serve" in words and "guard.py" not in words]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if " ".join(process.cmdline()) == server:
                process.kill()
    save(runs.folder / "model.py", FAILS.format("after"))
    assert loop.case()["message"] == "ValueError: after"
    save(runs.folder / "model.py", "import os, signal\ndef build(): os.kill(os.getppid(), signal.SIGKILL)\n")
    assert loop.case()["verdict"] in ("error", "fails")
    save(runs.folder / "model.py", FAILS.format("again"))
    assert loop.case()["message"] == "ValueError: again"


@pytest.mark.parametrize("busy", [False, True])
def test_an_interrupt_ends_it_and_leaves_nothing(loop: Loop, runs: Runs, busy: bool) -> None:
    if busy:
        save(runs.folder / "model.py", "import time\ndef build(): time.sleep(8531)\n")
        assert wait_for(lambda: len([words for words in runs.left() if "--serve" in words]) >= 3)
    started = time.monotonic()
    assert loop.end() == 130
    assert time.monotonic() - started < 5
    assert runs.left() == []
    assert [path.name for path in (runs.store / "scratch").iterdir()] == []


def test_a_killed_loop_leaves_no_process(runs: Runs, imports: Path) -> None:
    loop = Loop(runs)
    loop.next()
    os.kill(loop.child.pid, signal.SIGKILL)
    assert wait_for(lambda: runs.left() == [], 10)


def test_the_first_request_has_to_be_right(runs: Runs, imports: Path) -> None:
    (runs.folder / "model.py").write_text("def build(:\n")
    child = runs.start("--watch")
    code, _, err = runs.end(child, 90)
    assert code == 2
    assert "is not valid Python" in err


def test_without_watching_nothing_stays(runs: Runs, imports: Path) -> None:
    child = runs.start("--until", "build")
    assert runs.end(child, 90)[0] == 0
    assert runs.left() == []
