"""What `--watch` of run and convert refuses, and that it is not the command `watch`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import BUILDER, MATRIX, Tool, put


@pytest.mark.parametrize(
    "given",
    [
        ("--shard", "1/2"),
        ("--plan", "folder"),
        ("--executor", "processes"),
        ("--executor", "dask://127.0.0.1:1"),
        ("--baseline", "out"),
        ("--report", "html=x.html"),
        ("--time", "5"),
        ("--retries", "1"),
    ],
    ids=lambda given: given[0],
)
def test_what_says_something_of_one_run_is_refused(tool: Tool, tmp_path: Path, given: tuple[str, str]) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--watch", *given)
    assert ran.code == 2
    assert ran.message == f"--watch and {given[0]}: it runs again and again, here hint: leave {given[0]} out"
    assert not (tmp_path / ".tfjs-compat").exists()


@pytest.mark.parametrize("command", ["run", "convert"])
def test_the_first_request_has_to_be_right(tool: Tool, tmp_path: Path, command: str) -> None:
    put(tmp_path, model__py=BUILDER)
    output = ("--output", "web") if command == "convert" else ()
    ran = tool(command, "--model", "model.py:biuld", *output, "--watch")
    assert ran.code == 2
    assert "model.py has no 'biuld' hint: did you mean 'build'?" in ran.message


def test_a_target_that_is_there_needs_force(tool: Tool, tmp_path: Path) -> None:
    put(tmp_path, model__py=BUILDER)
    (tmp_path / "web").mkdir()
    put(tmp_path / "web", notes="mine")
    ran = tool("convert", "--model", "model.py:build", "--output", "web", "--watch")
    assert ran.code == 2
    assert "the folder is not empty" in ran.message


def test_the_words_are_kept_apart(tool: Tool) -> None:
    assert "at each save" in tool("run", "--help").out
    assert "release" in tool("watch", "--help").out
