"""A run that is interrupted, killed or out of disk, at every stage, over an index that answers when the test wants."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil
import pytest
from samples import SmallIndex

pytestmark = pytest.mark.real  # no network, but minutes

MINOR = "{}.{}".format(*sys.version_info[:2])
MATRIX = f"""
models = ["model.py:build", "model.py:build_slowly"]
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
"""
# As much of the packages as a worker needs to get to the builder.
TENSORFLOW = """
class keras:
    class Model: pass
class Module: pass
class random:
    set_seed = int
"""
NUMPY = "class random:\n    seed = int\n"
BUILDERS = """
import subprocess, sys, time
def build():
    raise ValueError("ended")
def build_slowly():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(7655)"], start_new_session=True)
    open("began", "w").close()
    time.sleep(7655)
"""


class SlowIndex(SmallIndex):
    """An index that sends wheels, and pages too where ``pages`` is false, when ``go`` is set; ``wanted``: one is."""

    def __init__(self) -> None:
        self.go, self.wanted = threading.Event(), threading.Event()
        self.pages = True
        super().__init__()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index, base = self, super()._handler()

        class Handler(base):  # type: ignore[misc,valid-type]
            def do_GET(self) -> None:
                if self.path.endswith(".whl") or not (index.pages or "/files/" in self.path):
                    index.wanted.set()
                    index.go.wait(120)
                with contextlib.suppress(OSError):
                    super().do_GET()

        return Handler


def add_module(index: SmallIndex, name: str, version: str, content: str | bytes, *requires: str) -> None:
    """A package that holds one module."""
    index.add(name, version, *requires)
    (file,) = index.files[name]
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": content.encode() if isinstance(content, str) else content,
        f"{info}/METADATA": index.metadata[f"{file}.metadata"],
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]).encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    index.files[name][file] = whole.getvalue()


@pytest.fixture
def index() -> Iterator[SlowIndex]:
    with SlowIndex() as index:
        add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
        add_module(index, "tensorflowjs", "4.17.0", "")
        add_module(index, "numpy", "1.26.4", NUMPY)
        yield index
        index.go.set()


class Runs:
    """Starts runs in one folder, over one store."""

    def __init__(self, folder: Path, index: SlowIndex) -> None:
        self.folder, self.store, self.output = folder, folder / "store", folder / "out"
        (folder / "m.toml").write_text(MATRIX)
        (folder / "model.py").write_text(BUILDERS)
        self.environment = {
            **os.environ,
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": str(folder / "uv"),
            "NO_PROXY": "127.0.0.1",
            "TFJS_COMPAT_CACHE": str(self.store),
        }
        for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CONFIG_FILE"):
            self.environment.pop(name, None)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "tfjs_compat", "run", "m.toml", "--output", str(self.output), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(child)
        return child

    def end(self, child: subprocess.Popen[str], seconds: float = 20.0) -> tuple[int, str, str]:
        out, err = child.communicate(timeout=seconds)
        assert "Traceback" not in out + err
        return child.returncode, out, err

    def results(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.output / "results.json").read_text())
        return told

    def left(self) -> list[str]:
        """What still runs of this folder's runs."""
        found = []
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                said = " ".join(one.cmdline())
                if one.status() != psutil.STATUS_ZOMBIE and str(self.folder) in said:
                    found.append(said)
        return found

    def environments(self) -> list[str]:
        folder = self.store / "environments"
        return [path.parent.name for path in folder.glob("*/environment.json")]


@pytest.fixture
def runs(tmp_path: Path, index: SlowIndex) -> Iterator[Runs]:
    runs = Runs(tmp_path, index)
    yield runs
    for child in runs.started:
        child.kill()
        child.communicate()


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def in_a_case(runs: Runs) -> bool:
    return wait_for(lambda: list(runs.output.glob("cases/*build_slowly*/began")))


def finish(runs: Runs, index: SlowIndex) -> None:
    """The next run goes on and comes to its end, whatever happened to the one before."""
    index.go.set()
    code, _, _ = runs.end(runs.start("--time-limit", "2"), 60)
    assert code == 1
    told = runs.results()
    assert told["complete"] is True
    assert [case["message"][:17] for case in told["cases"]] == ["ValueError: ended", "the case was stop"]
    assert len(runs.environments()) == 1
    assert runs.left() == []


def test_interrupted_in_the_middle_of_an_install(runs: Runs, index: SlowIndex) -> None:
    child = runs.start()
    assert index.wanted.wait(30)
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    code, _, _ = runs.end(child)
    assert code == 130
    assert time.monotonic() - started < 10
    assert runs.left() == []
    assert runs.environments() == []
    assert (runs.results()["complete"], runs.results()["cases"]) == (False, [])
    finish(runs, index)


def test_killed_in_the_middle_of_an_install(runs: Runs, index: SlowIndex) -> None:
    child = runs.start()
    assert index.wanted.wait(30)
    child.kill()
    child.communicate()
    assert wait_for(lambda: runs.left() == [], 5)
    assert runs.environments() == []
    assert not (runs.output / "results.json").exists()
    finish(runs, index)


@pytest.mark.parametrize(("number", "isolation"), [(signal.SIGINT, "fork"), (signal.SIGTERM, "process")])
def test_interrupted_in_the_middle_of_a_case(
    runs: Runs, index: SlowIndex, number: signal.Signals, isolation: str
) -> None:
    index.go.set()
    child = runs.start("--jobs", "1", "--isolation", isolation)
    assert in_a_case(runs)
    child.send_signal(number)
    code, out, _ = runs.end(child)
    assert code == 130
    assert runs.left() == []
    told = runs.results()
    assert told["complete"] is False
    assert [case["message"] for case in told["cases"]] == ["ValueError: ended"]
    assert "Interrupted" in out
    finish(runs, index)


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_killed_in_the_middle_of_a_case(runs: Runs, index: SlowIndex, isolation: str) -> None:
    index.go.set()
    child = runs.start("--jobs", "1", "--isolation", isolation)
    assert in_a_case(runs)
    assert runs.left() != []
    child.kill()
    child.communicate()
    assert wait_for(lambda: runs.left() == [], 5)
    finish(runs, index)


def test_a_second_interrupt_changes_nothing_for_the_worse(runs: Runs, index: SlowIndex) -> None:
    child = runs.start()
    assert index.wanted.wait(30)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    code, _, _ = runs.end(child)
    assert code == 130
    assert runs.left() == []
    finish(runs, index)


def test_interrupted_while_the_index_does_not_answer(runs: Runs, index: SlowIndex) -> None:
    index.pages = False
    child = runs.start()
    assert index.wanted.wait(30)
    child.send_signal(signal.SIGINT)
    code, _, err = runs.end(child)
    assert code == 130
    assert "interrupted" in err
    assert runs.left() == []
    index.pages = True
    finish(runs, index)


def test_interrupted_while_another_run_builds(runs: Runs, index: SlowIndex, tmp_path: Path) -> None:
    first = runs.start()
    assert index.wanted.wait(30)
    runs.output = tmp_path / "second"
    second = runs.start()
    assert wait_for(lambda: (tmp_path / "second" / "locks").exists())
    time.sleep(0.3)
    second.send_signal(signal.SIGINT)
    assert runs.end(second)[0] == 130
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    assert runs.end(first)[0] == 130
    finish(runs, index)


def test_two_runs_at_once_build_one_environment(runs: Runs, index: SlowIndex, tmp_path: Path) -> None:
    first = runs.start("--time-limit", "2")
    assert index.wanted.wait(30)
    runs.output = tmp_path / "second"
    second = runs.start("--time-limit", "2")
    assert wait_for(lambda: (tmp_path / "second" / "locks").exists())
    index.go.set()
    codes = [runs.end(one, 60)[0] for one in (first, second)]
    assert codes == [1, 1]
    assert len([path for path in index.asked if path.endswith(".whl")]) == 3
    assert len(runs.environments()) == 1


# --------------------------------------------------------------------------------------------------------- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    path = disk / "filler"
    with contextlib.suppress(OSError), path.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - leave)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
class TestFullDisk:
    def no_space(self, runs: Runs) -> None:
        code, out, err = runs.end(runs.start("--time-limit", "2"), 60)
        assert code == 3
        assert "no space left" in " ".join((out + err).split()).lower()
        assert runs.left() == []

    def test_a_store_without_room_for_the_packages(self, runs: Runs, index: SlowIndex, small_disk: Path) -> None:
        add_module(index, "jax", "1.0", os.urandom(6_000_000))
        (runs.folder / "m.toml").write_text(MATRIX + 'extra = ["jax"]\n')
        index.go.set()
        runs.environment["TFJS_COMPAT_CACHE"] = str(small_disk / "store")
        runs.store = small_disk / "store"
        self.no_space(runs)
        assert runs.environments() == []
        assert list((runs.store / "environments").iterdir()) == []
        assert [case["verdict"] for case in runs.results()["cases"]] == ["error", "error"]
        (runs.folder / "m.toml").write_text(MATRIX)
        finish(runs, index)

    @pytest.mark.parametrize("leave", [0, 100_000])
    def test_a_full_store(self, runs: Runs, index: SlowIndex, small_disk: Path, leave: int) -> None:
        index.go.set()
        runs.environment["TFJS_COMPAT_CACHE"] = str(small_disk / "store")
        runs.store = small_disk / "store"
        filler = fill(small_disk, leave)
        self.no_space(runs)
        filler.unlink()
        finish(runs, index)

    @pytest.mark.parametrize(("leave", "isolation"), [(0, "fork"), (16384, "fork"), (40_000, "process")])
    def test_a_full_output(self, runs: Runs, index: SlowIndex, small_disk: Path, leave: int, isolation: str) -> None:
        index.go.set()
        runs.output = small_disk / "out"
        filler = fill(small_disk, leave)
        code, out, err = runs.end(runs.start("--time-limit", "2", "--isolation", isolation), 60)
        assert code == 3
        assert "no space left" in " ".join((out + err).split()).lower()
        assert runs.left() == []
        filler.unlink()
        finish(runs, index)

    def test_a_case_that_fills_the_disk(self, runs: Runs, index: SlowIndex, small_disk: Path) -> None:
        index.go.set()
        runs.output = small_disk / "out"
        (runs.folder / "model.py").write_text(FILLERS)
        (runs.folder / "m.toml").write_text(MATRIX.replace("build_slowly", "print_all"))
        self.no_space(runs)


FILLERS = """
def build():
    with open("big", "wb") as file:
        while True:
            file.write(b"x" * 65536)
def print_all():
    build()
"""
