"""The command line run in this process, which saves a Python's start for each call."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tfjs_compat.cli import main as cli


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str


def run_here(arguments: tuple[str, ...], folder: Path, variables: Mapping[str, str]) -> Said:
    """Run the command in a folder, with variables added to the environment, its streams as Python opens pipes."""
    said = [io.TextIOWrapper(io.BytesIO(), "utf-8", how) for how in ("strict", "backslashreplace")]
    with pytest.MonkeyPatch.context() as patched, _signals_kept():
        patched.chdir(folder)
        for name, value in variables.items():
            patched.setenv(name, value)
        patched.setattr(sys, "argv", ["tfjs-compat", *arguments])
        patched.setattr(sys, "stdin", None)
        patched.setattr(sys, "stdout", said[0])
        patched.setattr(sys, "stderr", said[1])
        code = _exit_code(cli.main)
        out, err = (_written(stream) for stream in said)
    return Said(code, out, err)


def _exit_code(program: Callable[[], None]) -> int:
    try:
        program()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8")


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in kept:
            signal.signal(number, handler)
