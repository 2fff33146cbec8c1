"""What a command of the tool left, and the small files that tests of commands start from."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MINOR = "{}.{}".format(*sys.version_info[:2])
MATRIX = f"""
models = ["zoo:mlp"]
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
"""
BUILDER = "def build():\n    return 1\n"


@dataclass
class Ran:
    """A command's exit code, what it wrote to stdout and stderr, and how many seconds it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def message(self) -> str:
        """The one message on stderr, on one line; there is nothing else."""
        assert "Traceback" not in self.err + self.out
        (message,) = re.findall(r"(?s)^(?:error: |Usage: .*\nError: )(.*)\Z", self.err)
        assert len(re.findall(r"(?im)^\s*error\b", self.err)) == 1
        return " ".join(str(message).split())


Tool = Callable[..., Ran]


def environment(cache: Path, more: dict[str, str] | None = None) -> dict[str, str]:
    """The variables of a command: a store of the tests' own, 80 columns, and ``more``."""
    return {**os.environ, "TFJS_COMPAT_CACHE": str(cache), "COLUMNS": "80", **(more or {})}


def put(folder: Path, **files: str) -> None:
    """Write files; ``__`` in a name is a dot."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, "utf-8")
