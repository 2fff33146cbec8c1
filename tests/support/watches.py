"""Nights of `watch` over an index of our own: its TensorFlow imports a package ``helper``, of which releases come."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from support.runs import NUMPY, Runs, SlowIndex, add_module

TENSORFLOW = """
import helper, sys, types
class keras:
    class Model: pass
keras.Model.__module__ = "keras"
sys.modules["keras"] = types.ModuleType("keras")
sys.modules["keras"].__version__ = "2.15.0"
class Module: pass
class random:
    set_seed = int
"""


@contextmanager
def watched_index() -> Iterator[SlowIndex]:
    """An index that answers at once and has what `watch` needs but for ``helper``."""
    with SlowIndex() as index:
        index.go.set()
        add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy", "helper")
        add_module(index, "tensorflowjs", "4.17.0", "")
        add_module(index, "numpy", "1.26.4", NUMPY)
        yield index


def release(index: SlowIndex, name: str, version: str, content: str, *requires: str) -> None:
    """One more release of a package, beside those that there are."""
    before = index.files.pop(name, {})
    add_module(index, name, version, content, *requires)
    index.files[name] = {**before, **index.files[name]}


class Watch:
    """A folder with a matrix and its models, of which `watch` keeps a state."""

    def __init__(self, runs: Runs, matrix: str, models: str) -> None:
        self.runs, self.state = runs, runs.folder / "state"
        (runs.folder / "m.toml").write_text(matrix)
        (runs.folder / "model.py").write_text(models)
        runs.environment |= {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "5"}

    def night(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of one look."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tfjs_compat", "watch", "m.toml", "--output", "out", "--state", "state", *arguments],
            cwd=self.runs.folder,
            env=self.runs.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.runs.started.append(child)
        return self.runs.end(child, 300)
