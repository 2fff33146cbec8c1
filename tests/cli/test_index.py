"""`run` and `plan` over an index that fails or answers with something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import MATRIX, Tool, put
from support.samples import SmallIndex


def test_an_index_that_cannot_be_reached(tool: Tool, tmp_path: Path) -> None:
    put(tmp_path, m__toml=MATRIX)
    secret = "http://user:hush@127.0.0.1:9/simple/"
    for command in ("run", "plan"):
        ran = tool(command, "m.toml", env={"UV_DEFAULT_INDEX": secret, "NO_PROXY": "127.0.0.1"})
        assert "the package index http://***@127.0.0.1:9/simple/ cannot be reached" in ran.message
        assert ran.code == 3
        assert ran.seconds < 20
        assert "hush" not in ran.err + ran.out


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_index_that_refuses(tool: Tool, tmp_path: Path, index: SmallIndex, status: int) -> None:
    put(tmp_path, m__toml=MATRIX)
    index.status = status
    ran = tool("plan", "m.toml")
    assert "the package index http://127.0.0.1" in ran.message
    assert ran.code == 3


def test_an_index_that_answers_with_something_else(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    index.body = b"<html>Please log in</html>"
    ran = tool("plan", "m.toml")
    assert "gave no package page" in ran.message
    assert ran.code == 3


def test_a_date_needs_upload_times(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    index.timed = False
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--as-of", "2024-04-10", "--output", "out")
    assert ran.code == 3
    assert "gives no upload times, so nothing can be resolved as of 2024-04-10" in " ".join(ran.out.split())
    assert "Traceback" not in ran.err + ran.out
    (case,) = json.loads((tmp_path / "out" / "results.json").read_text())["cases"]
    assert (case["verdict"], case["stage"], case["issue"]) == ("error", "resolve", None)


def test_what_cannot_be_resolved_is_an_answer(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    index.add("tensorflowjs", "4.18.0", "tensorflow<2")
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--tensorflowjs", "4.18.0", "--output", "out")
    assert ran.code == 1
    (case,) = json.loads((tmp_path / "out" / "results.json").read_text())["cases"]
    assert (case["verdict"], case["stage"]) == ("fails", "resolve")
    assert "tensorflowjs" in case["message"]
