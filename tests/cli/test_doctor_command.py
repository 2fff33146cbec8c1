"""`doctor`: what it finds, and what would stop a run."""

from __future__ import annotations

import json
from pathlib import Path

from support.commands import MINOR, Tool, put
from support.samples import SmallIndex


def test_doctor_says_what_would_stop_a_run(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    ran = tool("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(ran.out)}
    assert found["package index"]["status"] == "ok"
    assert MINOR in found["interpreters"]["says"]
    assert ran.code == (3 if "bad" in {finding["status"] for finding in found.values()} else 0)
    index.timed = False
    ran = tool("doctor", "--json", env={"TFJS_COMPAT_CACHE": str(tmp_path / "fresh")})
    (finding,) = [finding for finding in json.loads(ran.out) if finding["what"] == "package index"]
    assert (finding["status"], "no upload times" in finding["says"]) == ("note", True)
    ran = tool("doctor", env={"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/"})
    assert ran.code == 3
    assert "A run would stop: package index" in ran.out
    assert ran.err == ""


def test_doctor_survives_a_store_that_cannot_be_made(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, file="")
    ran = tool("doctor", "--json", env={"TFJS_COMPAT_CACHE": "file/store"})
    assert ran.code == 3
    assert {finding["status"] for finding in json.loads(ran.out) if finding["what"] in ("store", "disk")} == {"bad"}
    assert ran.err == ""
