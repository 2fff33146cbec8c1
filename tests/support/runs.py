"""A run as a child of a test, over an index of our own that answers when the test wants."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil

from support.samples import SmallIndex

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


def add_module(
    index: SmallIndex,
    name: str,
    version: str,
    content: str | bytes,
    *requires: str,
    more: Mapping[str, bytes] | None = None,
) -> None:
    """A package that holds one module, and ``more`` (path → content)."""
    index.add(name, version, *requires)
    *_, file = index.files[name]
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": content.encode() if isinstance(content, str) else content,
        **(more or {}),
        f"{info}/METADATA": index.metadata[f"{file}.metadata"],
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]).encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    index.files[name][file] = whole.getvalue()


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
        # JSON has the traceback of a case's own failure.
        assert "Traceback" not in (err if out.startswith("{") else out + err), err
        return child.returncode, out, err

    def results(self) -> dict[str, Any]:
        results: dict[str, Any] = json.loads((self.output / "results.json").read_text())
        return results

    def left(self) -> list[str]:
        """What still runs of this folder's runs."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                if process.status() != psutil.STATUS_ZOMBIE and str(self.folder) in words:
                    found.append(words)
        return found

    def environments(self) -> list[str]:
        folder = self.store / "environments"
        return [path.parent.name for path in folder.glob("*/environment.json")]
