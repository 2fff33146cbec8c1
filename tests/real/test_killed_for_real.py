"""``kill -9`` at random moments of a real matrix, TensorFlow.js included; tests/process has its quick twin."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tfjs_compat.engine.cache import kept_outcome
from tfjs_compat.environments.registry import list_environments
from tfjs_compat.system.store import Store

pytestmark = [pytest.mark.real, pytest.mark.full]

MOMENTS = 20
MATRIX = """
models = ["zoo:mlp", "zoo:attention"]
routes = ["layers", "graph"]
[axes]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
as_of = [2024-04-10]
"""


class Runs:
    """Runs of one matrix over one store whose environments and outcomes are gone before each."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        (folder / "m.toml").write_text(MATRIX)

    def start(self, output: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tfjs_compat", "run", "m.toml", "--output", str(output)],
            cwd=self.folder,
            env={**os.environ, "TFJS_COMPAT_CACHE": str(self.store.root)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def forget(self) -> None:
        for name in ("environments", "outcomes", "asked"):
            shutil.rmtree(self.store.root / name, ignore_errors=True)

    def comparable(self, output: Path) -> list[dict[str, Any]]:
        """The results without what differs from run to run."""
        results = json.loads((output / "results.json").read_text())
        assert results["complete"] is True
        return [{key: case[key] for key in case if key not in ("seconds", "cached")} for case in results["cases"]]

    def left(self) -> list[int]:
        """The processes of a run that still run."""
        mark = str(self.folder).encode()
        found = []
        for process in psutil.process_iter():
            try:
                proc = Path(f"/proc/{process.pid}")
                content = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
            except OSError:
                continue
            if mark in content and process.pid != os.getpid():
                found.append(process.pid)
        return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_at_random_moments(store: Store, tmp_path: Path) -> None:
    random.seed(20240411)
    runs = Runs(tmp_path, store)
    assert runs.start(tmp_path / "warm").wait() == 1
    runs.forget()
    started = time.monotonic()
    assert runs.start(tmp_path / "undisturbed").wait() == 1
    seconds = time.monotonic() - started
    expected = runs.comparable(tmp_path / "undisturbed")
    assert {case["verdict"] for case in expected} >= {"works", "fails"}
    for number in range(MOMENTS):
        runs.forget()
        output = tmp_path / f"killed-{number}"
        child = runs.start(output)
        time.sleep(seconds * (number + random.random()) / MOMENTS)
        child.send_signal(signal.SIGKILL)
        child.wait()
        until = time.monotonic() + 10
        while runs.left() and time.monotonic() < until:
            time.sleep(0.05)
        assert runs.left() == []
        assert runs.start(output).wait() == 1
        assert runs.comparable(output) == expected
        assert len(list_environments(store)) == 1
        for path in (store.root / "outcomes").iterdir():
            assert path.name.startswith(".") or kept_outcome(path.name, store) is not None
        assert runs.left() == []
        shutil.rmtree(output)
