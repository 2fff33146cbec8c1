"""Output folders and stores that cannot be used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import MATRIX, Tool, put
from support.samples import SmallIndex


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/nowhere", "/dev/null/x"])
def test_an_output_folder_that_cannot_be_written(tool: Tool, tmp_path: Path, index: SmallIndex, output: str) -> None:
    put(tmp_path, m__toml=MATRIX, file="")
    ran = tool("run", "m.toml", "--output", output)
    assert f"--output {tmp_path / output}: cannot be written to: " in ran.message
    assert ran.code == 2


@pytest.mark.parametrize("name", ["cases", "runs", "locks", "servers"])
def test_nothing_is_written_through_a_link_in_an_output_folder(
    tool: Tool, tmp_path: Path, index: SmallIndex, name: str
) -> None:
    put(tmp_path, m__toml=MATRIX)
    (tmp_path / "of the user").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "of the user")
    ran = tool("run", "m.toml", "--output", "out")
    assert f"{name} in it is a link, through which nothing is written" in ran.message
    assert ran.code == 2
    assert list((tmp_path / "of the user").iterdir()) == []


def test_a_store_that_cannot_be_made(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX, file="")
    for command in (["plan", "m.toml"], ["env", "list"], ["env", "gc"]):
        ran = tool(*command, env={"TFJS_COMPAT_CACHE": "file/store"})
        assert re.search(r"file/store\S*: Not a directory", ran.message)
        assert ran.code == 3


HOLDER = """
import sys, time, pathlib
from tfjs_compat.engine.output import lock_output
with lock_output(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


def test_two_runs_into_one_output(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "out")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        ran = tool("run", "m.toml", "--output", "out")
        assert "another run is writing to it hint: give this run a folder of its own" in ran.message
        assert ran.code == 2
    finally:
        holder.kill()
        holder.communicate()
    # A run that was killed holds nothing.
    assert tool("run", "m.toml", "--output", "out").code == 1
