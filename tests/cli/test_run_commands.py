"""`run` and `plan`, over packages that hold nothing: locked, built and started for real."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

from support.commands import BUILDER, MATRIX, Tool, put
from support.samples import SmallIndex


def test_a_run_over_packages_that_hold_nothing(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    """Locked, built and started for real: what fails is the import, and it says so."""
    put(tmp_path, m__toml=MATRIX, model__py=BUILDER)
    ran = tool("run", "m.toml", "--output", "out", "--model", "model.py:build", "--json")
    assert ran.code == 1
    printed = json.loads(ran.out)
    assert printed == json.loads((tmp_path / "out" / "results.json").read_text())
    (case,) = printed["cases"]
    assert (case["verdict"], case["stage"]) == ("fails", "import")
    assert "No module named 'tensorflow'" in case["message"]
    assert "No module named 'tensorflow'" in (tmp_path / "out" / case["log"]).read_text()
    lock = (tmp_path / "out" / "locks" / f"{case['lock']}.txt").read_text()
    assert "tensorflow==2.15.0" in lock
    assert "--hash=sha256:" in lock
    assert "written: out/results.json" in ran.err
    files = [".lock", "cases", "locks", "plan.json", "results.json", "results.jsonl", "runs"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert case["lock"] in [
        environment["id"] for environment in json.loads(tool("env", "list", "--json").out)["environments"]
    ]
    assert tool("env", "path", case["lock"]).out.strip().endswith(f"{case['lock']}{os.sep}venv")
    assert tool("env", "remove", case["lock"]).out == f"removed {case['lock']}\n"
    assert tool("env", "remove", case["lock"]).code == 2


def test_no_secret_gets_into_output_or_store(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    builder = textwrap.dedent(
        """
        import os
        def build():
            print(sorted(os.environ.items()))
        """
    )
    put(tmp_path, m__toml=MATRIX, model__py=builder)
    secrets = {"MY_TOKEN": "hush-1", "AWS_SECRET_ACCESS_KEY": "hush-2", "UV_PUBLISH_TOKEN": "hush-3"}
    secrets["UV_DEFAULT_INDEX"] = index.url.replace("http://", "http://user:hush-4@")
    cache = tmp_path / "own-cache"
    ran = tool(
        "run",
        "m.toml",
        "--output",
        "out",
        "--model",
        "model.py:build",
        env={**secrets, "TFJS_COMPAT_CACHE": str(cache)},
    )
    assert ran.code == 1
    files = [path for root in (tmp_path / "out", cache) for path in root.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if b"hush-" in path.read_bytes()] == []
    assert "hush" not in ran.out + ran.err


def test_a_plan_as_json(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    (case,) = json.loads(tool("plan", "m.toml", "--json", env={"TFJS_COMPAT_CACHE": str(tmp_path / "empty")}).out)[
        "cases"
    ]
    assert case["combination"]["tensorflow"] == "2.15.0"
    assert case["cached"] is False


def test_a_run_prints_the_default_report(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--output", "out", "--until", "resolve")
    assert ran.code == 0
    assert "All as expected (until resolve)." in ran.out
    assert tool("report", "out").out == ran.out
