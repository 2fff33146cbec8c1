"""Terminals and pipes: no escape where nobody reads it, no line wider than the terminal."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import MATRIX, Tool, put
from support.samples import SmallIndex


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
@pytest.mark.parametrize("command", [["plan", "m.toml"], ["known-issues"], ["models"], ["doctor"], ["env", "list"]])
def test_no_escapes_where_nobody_reads_them(
    tool: Tool, tmp_path: Path, index: SmallIndex, command: list[str], name: str
) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*command, env={name: "dumb"})
    assert "\x1b" not in ran.out + ran.err
    assert ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is a pty here")
@pytest.mark.parametrize("command", ["plan m.toml", "known-issues", "doctor", "run m.toml --output out"])
def test_a_terminal_of_80_columns_without_colours(tmp_path: Path, cache: Path, index: SmallIndex, command: str) -> None:
    import pty
    import termios

    put(tmp_path, m__toml=MATRIX)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 80)) if sys.version_info >= (3, 11) else pytest.skip("no size to set")
    environment = {**os.environ, "TFJS_COMPAT_CACHE": str(cache), "NO_COLOR": "1", "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    child = subprocess.Popen(
        [sys.executable, "-m", "tfjs_compat", *command.split()],
        cwd=tmp_path,
        env=environment,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError), os.fdopen(ours, "rb", buffering=0) as terminal:
        while chunk := terminal.read(1 << 16):
            said += chunk
    child.communicate(timeout=60)
    assert said
    assert not re.search(rb"\x1b\[[0-9;]*[34][0-9]", said)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode()).splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("encoding", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}])
@pytest.mark.parametrize("command", [["known-issues"], ["known-issues", "--json"], ["plan", "m\u00e4h.toml"]])
def test_a_locale_without_a_character_is_no_reason_to_fail(
    child: Tool, encoding: dict[str, str], command: list[str]
) -> None:
    ran = child(*command, env={"PYTHONUTF8": "0", **encoding})
    assert "Traceback" not in ran.err
    assert ran.code == (2 if command[0] == "plan" else 0)
