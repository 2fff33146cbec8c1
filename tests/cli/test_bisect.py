"""`bisect` and `diff-locks`, over planted packages: resolved, built and imported for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import BUILDER, MINOR, Tool, put
from support.planted import Planted, broken, fine
from support.samples import SmallIndex


@pytest.fixture
def planted(small_index: SmallIndex) -> Planted:
    planted = Planted(small_index)
    for number, name in enumerate(("alder", "birch", "cedar")):
        planted.plant(name, fine("1.0"))
        for month in range(5, 12):
            planted.plant(name, fine(f"1.{month}"), day=f"2024-{month:02}-{number + 10}")
    planted.plant("culprit", fine("1.0", "1.1"))
    planted.plant("culprit", fine("1.2"), day="2024-06-01")
    planted.plant("culprit", broken("gone", "1.3"), day="2024-09-05")
    planted.plant("culprit", broken("gone", "1.4", "1.5"), day="2024-10-05")
    planted.plant("culprit", broken("worse", "1.6"), day="2024-11-25")
    planted.converter("alder", "birch", "cedar", "culprit")
    return planted


@pytest.fixture
def case(tmp_path: Path) -> tuple[str, ...]:
    put(tmp_path, model__py=BUILDER, m__toml="")
    given = ["--model", "model.py:build", "--tensorflow", "2.15.0", "--tensorflowjs", "4.17.0", "--python", MINOR]
    return (*given, "--until", "import", "--output", "out", "--json")


def test_the_day_and_the_release(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    ran = tool("bisect", *case, "--as-of", "2024-04-10..2024-10-31")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    assert found["days"] == ["2024-09-04", "2024-09-05"]
    (culprit,) = found["culprits"]
    assert (culprit["name"], culprit["good"], culprit["bad"]) == ("culprit", "1.2", "1.3")
    assert culprit["released"] == "2024-09-05"
    assert [change["name"] for change in found["changes"]] == ["culprit"]
    assert "Good with the packages of 2024-09-04, bad with those of 2024-09-05" in found["text"]
    assert found["trials"] <= 9


def test_a_range_in_which_nothing_turns(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    ran = tool("bisect", *case, "--as-of", "2024-04-10..2024-06-30")
    assert ran.code == 1
    assert "the bad end works" in json.loads(ran.out)["text"]


def test_releases_by_how_the_failing_end_fails(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    found = json.loads(tool("bisect", *case, "--package", "culprit", "--range", "1.0..1.5").out)
    (culprit,) = found["culprits"]
    assert (culprit["good"], culprit["bad"]) == ("1.2", "1.3")
    assert found["also"] == []
    assert found["minimal"]


def test_releases_by_a_signature(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    ranged = ("bisect", *case, "--package", "culprit")
    found = json.loads(tool(*ranged, "--range", "1.0..1.6", "--signature", "ImportError: worse").out)
    # What fails otherwise may hide it: unknown, and counted.
    (culprit,) = found["culprits"]
    assert (culprit["good"], culprit["bad"], culprit["between"]) == ("1.2", "1.6", 3)
    assert "3 releases between the two could not be tested" in found["text"]
    ran = tool(*ranged, "--range", "1.0..1.2", "--signature", "ImportError: worse")
    assert ran.code == 1
    assert "neither end shows 'ImportError: worse'" in json.loads(ran.out)["text"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "model.py:build"), "give one range hint: --as-of 2024-04-10..today, or --package"),
        (("--model", "model.py:build", "--package", "culprit"), "--package and --range belong together"),
        (("--as-of", "2024-04-10..today"), "give what to run hint: --model M"),
        (("--model", "model.py:build", "--as-of", "2024-04-10.."), "'2024-04-10..' is not a range FIRST..LAST"),
        (("--model", "model.py:build", "--package", "culprit", "--range", "1"), "--range: '1' is not a range"),
    ],
)
def test_what_names_no_range_is_refused(tool: Tool, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = tool("bisect", *arguments)
    assert ran.code == 2
    assert message in ran.message


def test_a_release_that_is_none_is_refused(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    ran = tool("bisect", *case, "--package", "culprit", "--range", "1.0..1.7")
    assert ran.code == 2
    assert "--range: culprit has no release '1.7'\nhint: " in ran.err


def locked(tool: Tool, case: tuple[str, ...], *more: str) -> str:
    """Run the case; the file of its lock."""
    results = json.loads(tool("run", "m.toml", *case, *more).out)
    (one,) = results["cases"]
    return f"out/locks/{one['lock']}.txt"


def test_the_difference_of_two_lock_files_and_of_two_cases(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    old, new = (locked(tool, case, "--as-of", day) for day in ("2024-04-10", "2024-06-30"))
    (found,) = json.loads(tool("diff-locks", old, new, "--json").out)["differences"]
    assert {change["name"]: (change["old"], change["new"]) for change in found["changed"]} == {
        "alder": ("1.0", "1.6"),
        "birch": ("1.0", "1.6"),
        "cedar": ("1.0", "1.6"),
        "culprit": ("1.1", "1.2"),
    }
    assert (found["added"], found["removed"]) == ([], [])
    said = tool("diff-locks", new, new)
    assert (said.code, said.out.splitlines()[0]) == (0, f"{new} → {new}: 0 packages")
    put(tmp_path, pins__txt="numpy==1.26.4\nextra==1\n")
    shown = tool("diff-locks", old, "pins.txt").out
    assert "  alder 1.0 → not installed\n" in shown
    assert "  extra not installed → 1\n" in shown
    assert "numpy" not in shown
    missing = tool("diff-locks", old, "nothing", "--output", "out")
    assert (missing.code, "case 'nothing': " in missing.message) == (2, True)


def test_two_runs_are_compared_case_by_case(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    run = ("run", "m.toml", *case, "--no-cache")
    (before,) = json.loads(tool(*run, "--output", "one").out)["cases"]
    planted.plant("alder", fine("3.0"), day="2025-01-01")
    (after,) = json.loads(tool(*run, "--output", "two").out)["cases"]
    assert before["id"] == after["id"]
    (found,) = json.loads(tool("diff-locks", "one", "two", "--json").out)["differences"]
    assert found["cases"] == [before["id"]]
    assert found["changed"] == [{"name": "alder", "old": "1.11", "new": "3.0"}]
    (found,) = json.loads(tool("diff-locks", before["id"], "two", "--output", "one", "--json").out)["differences"]
    assert [change["name"] for change in found["changed"]] == ["alder"]


def test_a_run_in_the_lock_of_somebody_else(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    lock = locked(tool, case, "--as-of", "2024-10-31")
    (tmp_path / lock).rename(tmp_path / "theirs.txt")
    run = ("run", "--model", "model.py:build", "--until", "import", "--output", "other", "--json")
    ran = tool(*run, "--lock", "theirs.txt")
    (one,) = json.loads(ran.out)["cases"]
    assert (ran.code, one["message"]) == (1, "ImportError: gone")
    assert one["lock"] in lock
    pins = "".join(line for line in (tmp_path / "theirs.txt").read_text().splitlines(True) if line[0] not in "#-")
    put(tmp_path, plain__txt=pins)
    (one,) = json.loads(tool(*run, "--lock", "plain.txt", "--python", MINOR).out)["cases"]
    assert one["message"] == "ImportError: gone"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lock", "nowhere.txt"), "nowhere.txt: cannot be read: "),
        (("--lock", "bare.txt"), "bare.txt: tensorflow is pinned without a hash hint: `uv pip compile"),
        (("--lock", "hashed.txt"), "hashed.txt: it does not say for which Python it is hint: give --python"),
        (("--lock", "hashed.txt", "--python", MINOR), "--lock hashed.txt: it holds no tensorflowjs"),
        (("--lock", "hashed.txt", "--constraint", "a<1"), "the lock decides the packages hint: leave out the axis"),
        (("m.toml", "--lock", "hashed.txt"), "it runs cases of one combination, no matrix hint: give --model"),
    ],
)
def test_a_lock_that_cannot_be_run_in_is_refused(
    tool: Tool, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    put(tmp_path, model__py=BUILDER, bare__txt="tensorflow==2.15.0\n")
    put(tmp_path, hashed__txt=f"tensorflow==2.15.0 --hash=sha256:{'0' * 64}\n")
    ran = tool("run", "--model", "model.py:build", *arguments)
    assert ran.code == 2
    assert message in ran.message
