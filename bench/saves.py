"""From saving a small model to its verdict: `run --watch` beside a fresh `run`, in turns."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from measure import alternating, clean_environment, ours, ratio

MODEL = """
import tensorflow as tf


def build():
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Input((8,)), layers.Dense({units}, activation="relu"), layers.Dense(4)])
"""


class Watching:
    """A `run --watch` that has given its first verdict."""

    def __init__(self, arguments: list[str], folder: Path, store: Path) -> None:
        self.model = folder / "model.py"
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tfjs_compat", *arguments, "--watch", "--json"],
            cwd=folder,
            env=clean_environment(TFJS_COMPAT_CACHE=str(store)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Watching:
        self._next()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.send_signal(signal.SIGINT)
        self._child.communicate(timeout=60)

    def save(self, content: str) -> float:
        """Seconds from saving the model to what is said of it."""
        started = time.monotonic()
        self.model.write_text(content)
        (case,) = self._next()["cases"]
        if case["cached"] or case["verdict"] != "works":
            raise RuntimeError(f"not a case that works anew: {case}")
        return time.monotonic() - started

    def _next(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        found: dict[str, Any] = json.loads(self._child.stdout.readline())
        return found


def measured(arguments: list[str], folder: Path, store: Path, times: int) -> dict[str, Any]:
    """Both sides for one case, which ``arguments`` of `run` name but for model and output."""
    # From another number each time: what was run before is not run again.
    units = itertools.count(10 + int(time.time()) % 5000)
    watched, fresh = folder / "watched", folder / "fresh"
    for place in (watched, fresh):
        place.mkdir(parents=True)
        (place / "model.py").write_text(MODEL.format(units=next(units)))
    command = ["run", "--model", "model.py:build", *arguments]

    def again() -> float:
        (fresh / "model.py").write_text(MODEL.format(units=next(units)))
        return ours(*command, store=store, cwd=fresh)

    with Watching(command, watched, store) as loop:
        sides = {"ours": lambda: loop.save(MODEL.format(units=next(units))), "fresh": again}
        found: dict[str, Any] = alternating(sides, {"ours": times, "fresh": times})
    return {**found, "ratio": ratio(found["fresh"], found["ours"])}
