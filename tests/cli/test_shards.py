"""`plan --shards`, `run --shard`, `merge`: over packages that hold nothing, locked, built and started for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import BUILDER, MATRIX, Tool, put
from support.samples import SmallIndex

WITHOUT = ("seconds", "cached", "started")
MODELS = 'models = ["model.py:build", "other.py:build", "zoo:mlp"]\nroutes = ["layers", "graph"]\n'


@pytest.fixture
def matrix(tmp_path: Path, index: SmallIndex) -> None:
    # A version that the index does not have is a case without a lock.
    axes = MATRIX[MATRIX.index("[axes]") :] + 'keras = ["resolved", "3.1.1"]\n'
    put(tmp_path, m__toml=MODELS + axes, model__py=BUILDER, other__py=BUILDER)
    index.add("keras", "3.1.1", "tensorflow==2.99")


def without_times(path: Path) -> dict[str, Any]:
    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: stripped(item) for key, item in value.items() if key not in WITHOUT}
        return [stripped(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = stripped(json.loads((path / "results.json").read_text()))
    return found


@pytest.mark.usefixtures("matrix")
@pytest.mark.parametrize("shared", [True, False])
def test_three_shards_merged_are_one_run(tool: Tool, tmp_path: Path, shared: bool) -> None:
    whole = tool("run", "m.toml", "--output", "whole")
    plan = ("--output", "plan") if shared else ()
    cut = json.loads(tool("plan", "m.toml", "--shards", "3", "--format", "github", *plan).out)
    assert sum(shard["cases"] for shard in cut["include"]) == 12
    codes = []
    for shard in cut["include"]:
        name = shard["shard"].replace("/", "-")
        given = ("--plan", "plan") if shared else ()
        ran = tool("run", "m.toml", "--shard", shard["shard"], *given, "--output", name)
        codes.append(ran.code)
        assert len(json.loads((tmp_path / name / "results.json").read_text())["cases"]) == shard["cases"]
    names = sorted(shard["shard"].replace("/", "-") for shard in cut["include"])
    merged = tool("merge", *reversed(names), "--output", "merged")
    assert merged.code == whole.code == max(codes)
    # `planned` is what says that all is there.
    one, three = without_times(tmp_path / "whole"), without_times(tmp_path / "merged")
    assert three == one
    for case in three["cases"]:
        assert case["log"] is None or (tmp_path / "merged" / case["log"]).is_file()
        assert case["lock"] is None or (tmp_path / "merged" / "locks" / f"{case['lock']}.txt").is_file()
    assert "1 run, 12 cases" in tool("history", "merged").out
    (tmp_path / "merged" / "results.json").unlink()
    assert "12 cases" in tool("report", "merged").out


@pytest.mark.usefixtures("matrix")
def test_a_lost_shard_is_said(tool: Tool, tmp_path: Path) -> None:
    for number in (1, 3):
        tool("run", "m.toml", "--shard", f"{number}/3", "--until", "resolve", "--output", f"s{number}")
    merged = tool("merge", "s1", "s3", "--output", "merged")
    assert merged.code == 3
    assert "missing: shard 2/3: " in merged.err
    assert "Incomplete run" in merged.out
    assert json.loads((tmp_path / "merged" / "results.json").read_text())["complete"] is False


@pytest.mark.usefixtures("matrix")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "m.toml", "--shard", "4/3"), "--shard: there is no shard 4 of 3"),
        (("run", "m.toml", "--shard", "x"), "--shard: 'x' is not of the form"),
        (("run", "m.toml", "--shard", "0/3"), "--shard: there is no shard 0 of 3"),
        (("run", "m.toml", "--shard", "1/0"), "--shard: there is no shard 1 of 0"),
        (("run", "m.toml", "--plan", "nowhere"), "--plan nowhere: cannot be read"),
        (("run", "m.toml", "--plan", "nowhere", "--only", "mlp*"), "--only: a plan that is shared says which cases"),
        (("plan", "m.toml", "--format", "github"), "add --shards N"),
        (("plan", "m.toml", "--output", "x"), "add --shards N"),
        (("merge", "nowhere", "--output", "x"), "nowhere: there is no such folder"),
        (("merge", ".", "--output", "x"), "holds no run"),
    ],
)
def test_wrong_requests_end_with_code_2(tool: Tool, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = tool(*arguments)
    assert ran.code == 2
    assert message in ran.message
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("matrix")
def test_a_merge_keeps_what_is_not_its_own(tool: Tool, tmp_path: Path) -> None:
    tool("run", "m.toml", "--until", "resolve", "--output", "one")
    (tmp_path / "mine" / "cases").mkdir(parents=True)
    (tmp_path / "mine" / "cases" / "notes.txt").write_text("mine")
    assert tool("merge", "one", "--output", "mine").code == tool("merge", "one", "--output", "two").code
    assert (tmp_path / "mine" / "cases" / "notes.txt").read_text() == "mine"
    assert "one of the runs to merge" in tool("merge", "one", "--output", "one").message


@pytest.mark.usefixtures("matrix")
def test_more_shards_than_environments(tool: Tool, tmp_path: Path) -> None:
    cut = json.loads(
        tool("plan", "m.toml", "--until", "resolve", "--shards", "50", "--format", "github", "--output", "plan").out
    )
    names = [shard["shard"] for shard in cut["include"]]
    assert 1 < len(names) <= 12
    for name in (*names, "50/50"):
        more = ("--plan", "plan", "--output", f"größe {name.replace('/', '-')}")
        assert tool("run", "m.toml", "--until", "resolve", "--shard", name, *more).code in (0, 1)
    folders = [path.name for path in tmp_path.glob("größe*")]
    merged = tool("merge", *folders, folders[0], "--output", "mergéd")
    assert merged.code == tool("run", "m.toml", "--until", "resolve", "--output", "whole").code
    assert without_times(tmp_path / "mergéd") == without_times(tmp_path / "whole")


@pytest.mark.usefixtures("matrix")
def test_a_shard_that_was_damaged_is_said(tool: Tool, tmp_path: Path) -> None:
    for number in (1, 2):
        tool("run", "m.toml", "--shard", f"{number}/2", "--until", "resolve", "--output", f"s{number}")
    (tmp_path / "s1" / "results.json").unlink()
    journal = tmp_path / "s1" / "results.jsonl"
    journal.write_bytes(b"rubbish\n" + journal.read_bytes()[:-20])
    merged = tool("merge", "s1", "s2", "--output", "merged")
    assert merged.code == 3
    assert "missing: shard 1/2: " in merged.err
    (tmp_path / "s1" / "plan.json").write_text("{")
    merged = tool("merge", "s1", "s2", "--output", "again")
    assert merged.code == 2
    assert "hint: leave s1 away: its cases are then named as missing" in merged.message


@pytest.mark.usefixtures("matrix")
def test_shards_of_two_versions_are_refused(tool: Tool, tmp_path: Path) -> None:
    for number in (1, 2):
        tool("run", "m.toml", "--shard", f"{number}/2", "--until", "resolve", "--output", f"s{number}")
    plan = tmp_path / "s2" / "plan.json"
    plan.write_text(plan.read_text().replace('"tool":"', '"tool":"9.'))
    assert "s2: a run of another version of tfjs-compat than s1" in tool("merge", "s1", "s2", "--output", "x").message


@pytest.mark.usefixtures("matrix")
def test_of_a_trial_that_was_run_twice_the_later_files_are_kept(tool: Tool, tmp_path: Path) -> None:
    for name in ("one", "two"):
        tool("run", "m.toml", "--until", "resolve", "--output", name)
    case = json.loads((tmp_path / "one" / "results.json").read_text())["cases"][0]
    (tmp_path / "one" / "cases" / case["trial"]).mkdir(parents=True, exist_ok=True)
    (tmp_path / "one" / "cases" / case["trial"] / "old.txt").write_text("old")
    (tmp_path / "two" / "cases" / case["trial"]).mkdir(parents=True, exist_ok=True)
    (tmp_path / "two" / "cases" / case["trial"] / "new.txt").write_text("new")
    plan = tmp_path / "two" / "plan.json"
    plan.write_text(plan.read_text().replace('"started":"20', '"started":"21'))
    tool("merge", "two", "one", "--output", "merged")
    kept = {path.name for path in (tmp_path / "merged" / "cases" / case["trial"]).iterdir()}
    assert kept == {"new.txt"}
