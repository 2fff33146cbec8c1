"""`convert --watch` for real: each save of a small model is delivered whole, from a server that stays."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.children import wait_for

from tfjs_compat.system.store import Store

MODEL = """
import tensorflow as tf
def build():
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Input((8,)), layers.Dense({0}, activation="relu"), layers.Dense(4)])
"""


class Loop:
    """A conversion that watches ``model.py`` of a folder."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.child = subprocess.Popen(
            [
                *(sys.executable, "-m", "tfjs_compat", "convert", "--model", "model.py:build", "--output", "web"),
                *("--require", "tensorflow==2.15.0", "--require", "tensorflowjs==4.17.0"),
                *("--as-of", "2024-04-10", "--watch", "--json"),
            ],
            cwd=folder,
            env={**os.environ, "TFJS_COMPAT_CACHE": str(store.root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._lines.put(json.loads(line))

    def next(self) -> dict[str, Any]:
        return self._lines.get(timeout=600)


@pytest.mark.skipif(sys.platform != "linux", reason="servers fork where that was measured to be sound")
def test_each_save_is_delivered(tmp_path: Path, store: Store) -> None:
    model, topology = tmp_path / "model.py", tmp_path / "web" / "model.json"
    # Another model each time: of the same one a store that was kept has the answer.
    source = f"# {tmp_path}{MODEL}"
    model.write_text(source.format(5))
    loop = Loop(tmp_path, store)
    try:
        assert loop.next()["found"]
        servers = _servers(store)
        for units in (6, 7):
            model.write_text(source.format(units))
            said = loop.next()
            assert (said["found"], said["saved"], said["case"]["cached"]) == (True, ["model.py"], False)
            assert said["case"]["change"] in ("same", "numbers-drifted")
            assert f"[8,{units}]" in topology.read_text().replace(" ", "")
            assert json.loads((tmp_path / "web" / "CONVERSION.json").read_text())
        # No import but the first.
        assert _servers(store) == servers
        model.write_text("def build():\n    raise ValueError('broken')\n")
        said = loop.next()
        assert (said["found"], said["output"], said["case"]["change"]) == (False, None, "regressed")
        assert "[8,7]" in topology.read_text().replace(" ", "")
        model.write_text(source.format(7))
        said = loop.next()
        assert (said["found"], said["case"]["change"], said["case"]["cached"]) == (True, "fixed", True)
    finally:
        loop.child.send_signal(signal.SIGINT)
        code = loop.child.wait(timeout=60)
    assert code == 130
    assert wait_for(lambda: not _servers(store), 10)


def _servers(store: Store) -> set[int]:
    found = set()
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if "--serve" in words and f"{store.root}" in words and "warm-" in words:
            found.add(process.info["pid"])
    return found
