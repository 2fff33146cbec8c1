"""`explain`, over planted packages: resolved, built and imported for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import BUILDER, MINOR, Ran, Tool, put
from support.planted import Planted, broken, fine
from support.runs import TENSORFLOW
from support.samples import SmallIndex

NO_RUN = "`tfjs-compat run` writes its results there; give the --output of another run"


@pytest.fixture
def planted(small_index: SmallIndex) -> Planted:
    return Planted(small_index)


@pytest.fixture
def case(tmp_path: Path) -> tuple[str, ...]:
    """The options of a case that ends with the import."""
    put(tmp_path, model__py=BUILDER, m__toml="")
    given = ["--model", "model.py:build", "--tensorflow", "2.15.0", "--tensorflowjs", "4.17.0", "--python", MINOR]
    return (*given, "--until", "import", "--output", "out")


def explained(ran: Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.out)
    return found


def culprits(found: dict[str, Any]) -> list[tuple[str, str, str | None, str | None]]:
    return [(one["kind"], one["name"], one["good"], one["bad"]) for one in found["culprits"]]


def test_one_release_among_many_changes(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    others = ["alder", "birch", "cedar", "elm", "fir"]
    for name in others:
        planted.plant(name, fine("1.0"))
        planted.plant(name, fine("1.1", "2.0"), day="2025-05-01")
    planted.plant("culprit", fine("1.0", "1.1", "1.2"))
    planted.plant("culprit", fine("1.3", "2.0"), day="2025-01-01")
    planted.plant("culprit", broken("no more of that", "2.1", "2.2", "3.0"), day="2025-02-03")
    planted.converter(*others, "culprit")
    ran = tool("explain", *case, "--good", "as_of=2024-04-10", "--json")
    assert ran.code == 0, ran.err
    found = explained(ran)
    assert culprits(found) == [("package", "culprit", "2.0", "2.1")]
    assert (found["reproduced"], found["minimal"], found["unknown"]) == (True, True, 0)
    assert found["signature"] == "ImportError: no more of that"
    assert len(found["changes"]) == 6
    assert found["trials"] <= 12
    assert found["culprits"][0]["released"] == "2025-02-03"
    assert found["also"] == []
    assert found["remedy"] == {"change": "culprit<2.1", "works": True, "message": ""}
    assert [(r["package"], r["range"]) for r in found["requirers"]] == [("tensorflowjs", "")]
    assert found["text"].startswith(
        "culprit 2.0 → 2.1 (released 2025-02-03): import of tensorflowjs fails with `ImportError: no more of that`. "
        "Chain: tensorflowjs → culprit. 1-minimal over 6 changes."
    )
    assert "Nobody caps it" in found["text"]


def test_two_packages_that_fail_only_together(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    for name in ("left", "right", "other"):
        planted.plant(name, fine("1.0", "1.1"))
        planted.plant(name, fine("1.2", "2.0", "2.1"), day="2025-05-01")
    together = (
        "import left, right\n"
        "if left.__version__ >= '1.2' and right.__version__ >= '2.0':\n"
        "    raise RuntimeError('these two clash')\n"
    )
    planted.converter("left", "other", "right", more=together)
    found = explained(tool("explain", *case, "--good", "as_of=2024-04-10", "--json"))
    assert culprits(found) == [("package", "left", "1.1", "1.2"), ("package", "right", "1.2", "2.0")]
    assert found["minimal"]
    assert "left 1.1 → 1.2 (released 2025-05-01) with right 1.2 → 2.0 (released 2025-05-01): " in found["text"]


def test_releases_that_break_otherwise_are_unknown_and_counted(
    tool: Tool, planted: Planted, case: tuple[str, ...]
) -> None:
    planted.plant("culprit", fine("1.0", "1.1"))
    planted.plant("culprit", broken("something else", "1.2", "1.3"), day="2025-05-01")
    planted.plant("culprit", broken("what is asked about", "1.4", "1.5"), day="2025-05-02")
    planted.converter("culprit")
    found = explained(tool("explain", *case, "--good", "as_of=2024-04-10", "--json"))
    assert culprits(found) == [("package", "culprit", "1.1", "1.4")]
    assert found["unknown"] == 2
    assert "2 releases between the two could not be tested" in found["text"]


def test_packages_that_can_only_move_together_are_one(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    for version, day in (("1.0", "2024-03-01"), ("2.0", "2025-01-01"), ("3.0", "2025-02-01")):
        planted.release("base", version, fine(version)[version], day=day)
        planted.release("binding", version, f"import base\n{fine(version)[version]}", f"base=={version}", day=day)
        planted.release("other", version, fine(version)[version], day=day)
    clash = (
        "import base, binding\nif base.__version__ >= '3' and binding.__version__ >= '3':\n    raise OSError('three')\n"
    )
    planted.converter("base", "binding", "other", more=clash)
    found = explained(tool("explain", *case, "--good", "as_of=2024-04-10", "--json"))
    assert culprits(found) == [("package", "base+binding", "2.0+2.0", "3.0+3.0")]


def test_a_process_variable(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    needs = "import os\nif 'TF_USE_LEGACY_KERAS' not in os.environ:\n    raise ImportError('no Keras 2')\n"
    planted.converter(more=needs)
    ran = tool("explain", *case, "--good", "process_env=legacy-keras", "--json")
    found = explained(ran)
    assert culprits(found) == [("process_env", "TF_USE_LEGACY_KERAS", "1", None)]
    assert found["minimal"]
    assert "TF_USE_LEGACY_KERAS 1 → unset" in found["text"]


def test_an_older_release_that_fails_is_named_the_other_way_round(
    tool: Tool, planted: Planted, case: tuple[str, ...]
) -> None:
    planted.plant("culprit", broken("too old", "1.0", "1.1") | fine("1.2", "1.3", "1.4"))
    planted.converter("culprit")
    found = explained(
        tool("explain", *case, "--constraint", "culprit<1.1", "--good", "constraint=culprit==1.4", "--json")
    )
    assert culprits(found) == [("package", "culprit", "1.2", "1.1")]
    assert found["remedy"]["change"] == "culprit>=1.2"


def test_a_failure_that_the_good_end_does_not_share_is_explained_though_it_fails_too(
    tool: Tool, planted: Planted, case: tuple[str, ...]
) -> None:
    planted.plant("culprit", broken("one way", "1.0", "1.1") | broken("another way", "1.2", "1.3"))
    planted.converter("culprit")
    options = ("explain", *case, "--json")
    found = explained(tool(*options, "--constraint", "culprit==1.0", "--good", "constraint=culprit==1.3"))
    assert culprits(found) == [("package", "culprit", "1.2", "1.1")]
    assert found["signature"] == "ImportError: one way"
    assert "The good end does not work either" in found["text"]
    found = explained(tool(*options, "--constraint", "culprit==1.3", "--good", "constraint=culprit==1.0"))
    assert culprits(found) == [("package", "culprit", "1.1", "1.2")]
    assert found["signature"] == "ImportError: another way"


def test_nothing_to_blame(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    planted.plant("culprit", fine("1.0") | broken("always", "1.1", "1.2"))
    planted.converter("culprit")
    works = ("explain", *case, "--constraint", "culprit<1.1", "--json")
    ran = tool(*works, "--good", "as_of=2024-04-10")
    assert ran.code == 1
    assert explained(ran)["reproduced"] is False
    assert "the bad end works" in explained(ran)["text"]
    ran = tool("explain", *case, "--json", "--good", "constraint=culprit==1.1")
    assert ran.code == 1
    assert explained(ran)["culprits"] == []
    assert "the good end fails in the same way: ImportError: always" in explained(ran)["text"]


def test_a_good_end_is_looked_for_by_the_dates_of_the_packages(
    tool: Tool, planted: Planted, case: tuple[str, ...]
) -> None:
    planted.plant("culprit", fine("1.0"))
    planted.plant("culprit", broken("new", "1.1", "1.2"), day="2025-05-01")
    planted.converter("culprit")
    found = explained(tool("explain", *case, "--json"))
    assert culprits(found) == [("package", "culprit", "1.0", "1.1")]
    assert found["good"]["combination"]["as_of"] == "2024-03-31"


MATRIX = f"""
models = ["model.py:build"]
until = "import"
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
constraints = ["culprit==1.0", "culprit==1.3"]
"""


def run_with_a_culprit(tool: Tool, planted: Planted, folder: Path) -> None:
    """A run of two cases in ``folder``, one with a culprit that works and one with one that does not."""
    planted.plant("culprit", fine("1.0", "1.1") | broken("new", "1.2", "1.3"))
    planted.converter("culprit")
    put(folder, m__toml=MATRIX)
    assert tool("run", "m.toml", "--output", "out").code == 1


def test_a_case_of_the_last_run_against_what_works_there(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    run_with_a_culprit(tool, planted, tmp_path)
    for good in ((), ("--good", "culprit_1.0")):
        found = explained(tool("explain", "culprit_1.3", *good, "--output", "out", "--json"))
        assert culprits(found) == [("package", "culprit", "1.1", "1.2")]
        assert found["good"]["combination"]["constraints"] == ["culprit==1.0"]
    # What was asked before is not run again.
    assert found["kept"] >= 2
    report = tool("explain", "culprit_1.3", "--output", "out", "--format", "markdown").out
    assert report.startswith("### culprit 1.1 → 1.2 (released 2024-03-01)\n")
    assert "* Remedy: culprit<1.2 (tested: works)." in report
    (tmp_path / "model.py").write_text(BUILDER + "# changed\n")
    assert "it was changed since the case was run" in tool("explain", "culprit_1.3", "--output", "out").message


def test_trials_are_allowed_what_the_runs_models_were_allowed(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    planted.plant("culprit", fine("1.0", "1.1") | broken("new", "1.2", "1.3"))
    planted.converter("culprit")
    put(tmp_path, m__toml=f"{MATRIX}[permissions]\nnetwork = true\nwrite = ['shared']\n")
    assert tool("run", "m.toml", "--output", "out", "--allow-write", "more").code == 1
    assert tool("explain", "culprit_1.3", "--output", "out", "--max-trials", "4").code in (0, 1)
    jobs = [json.loads(path.read_bytes()) for path in tmp_path.glob("out/explain/cases/*/*/job.json")]
    assert jobs
    for job in jobs:
        assert job["confine"]["network"] is True
        assert {str(tmp_path / "shared"), str(tmp_path / "more")} <= set(job["confine"]["folders"])


def test_the_record_of_a_stranger_allows_nothing(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    run_with_a_culprit(tool, planted, tmp_path)
    record = tmp_path / "out" / "results.json"
    content = json.loads(record.read_bytes())
    content["permissions"] = {"network": True, "write": [str(tmp_path / "mine")]}
    record.write_text(json.dumps(content))
    refused = tool("explain", "culprit_1.3", "--output", "out", "--max-trials", "4")
    assert refused.code == 2
    assert refused.message.endswith(f"hint: --allow-network --allow-write {tmp_path / 'mine'}")
    assert not (tmp_path / "out" / "explain").exists()
    assert tool("explain", "culprit_1.3", "--output", "out", "--allow-network", "--max-trials", "4").code == 2
    allowed = ("--allow-network", "--allow-write", "mine")
    assert tool("explain", "culprit_1.3", "--output", "out", *allowed, "--max-trials", "4").code in (0, 1)


def test_options_of_explain_add_to_what_models_may_do(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    planted.converter()
    tool("explain", *case, "--good", "as_of=2024-04-10", "--allow-network", "--max-trials", "2")
    jobs = [json.loads(path.read_bytes()) for path in tmp_path.glob("out/explain/cases/*/*/job.json")]
    assert [job["confine"]["network"] for job in jobs] == [True] * len(jobs) != []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a case of the last run, or what to run hint: --model M --tensorflow V --route R"),
        (
            ("x", "--model", "model.py:build"),
            "case 'x' and options of a run: give one of the two hint: `tfjs-compat explain --help` says what there is",
        ),
        (("x",), f"out: there is no such file or folder hint: {NO_RUN}"),
    ],
)
def test_a_request_that_names_no_bad_end_is_refused(
    tool: Tool, case: tuple[str, ...], arguments: tuple[str, ...], message: str
) -> None:
    ran = tool("explain", *arguments, "--output", "out")
    assert (ran.code, ran.message) == (2, message)


@pytest.mark.parametrize(
    ("good", "message"),
    [
        ("kears=3.2.1", "--good kears=3.2.1: there is no axis 'kears' hint: did you mean 'keras'?"),
        ("constraint=a b", "'a b' is not a requirement such as 'setuptools<81'"),
        ("as_of=May", "--good: key 'axes.as_of': 'May' is neither a date such as 2024-04-10 nor 'today'"),
    ],
)
def test_a_wrong_good_end_is_refused(
    tool: Tool, planted: Planted, case: tuple[str, ...], good: str, message: str
) -> None:
    planted.converter()
    ran = tool("explain", *case, "--good", good)
    assert ran.code == 2
    assert message in ran.err.replace("\n", " ")


def test_a_run_explains_each_cause_once(tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path) -> None:
    planted.plant("culprit", fine("1.0", "1.1") | broken("new", "1.2", "1.3"))
    planted.plant("other", fine("1.0") | broken("not the same", "2.0"))
    planted.converter("culprit", "other")
    chosen = ["culprit==1.0", "other==1.0"], ["culprit==1.3", "other==1.0"], ["culprit==1.2", "other==1.0"]
    lists = [*chosen, ["culprit==1.0", "other==2.0"]]
    put(tmp_path, m__toml=MATRIX.replace('["culprit==1.0", "culprit==1.3"]', json.dumps(lists)))
    ran = tool("run", "m.toml", "--output", "out", "--explain", "--json")
    assert ran.code == 1
    said = [(one["explanation"] or "").partition(":")[0] for one in json.loads(ran.out)["cases"]]
    same = "culprit 1.1 → 1.2 (released 2024-03-01)"
    assert said == ["", same, same, "other 1.0 → 2.0 (released 2024-03-01)"]
    report = " ".join(tool("report", "out").out.split())
    assert f"Explained: {same}: import of tensorflowjs fails" in report
    assert "explained: culprit 1.1 → 1.2" in tool("report", "out", "--format", "markdown", "--to", "-").out


def test_explaining_ends_in_time(tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path) -> None:
    sleepy = {"1.0": "", "1.1": "import time\ntime.sleep(60)\n", "1.2": "raise ImportError('new')\n"}
    planted.plant("culprit", sleepy)
    planted.converter("culprit")
    put(tmp_path, m__toml=MATRIX.replace("1.3", "1.2"))
    assert tool("run", "m.toml", "--output", "out").code == 1
    ran = tool("explain", "culprit_1.2", "--output", "out", "--time", "6", "--json")
    assert ran.code == 0
    found = explained(ran)
    assert culprits(found) == [("package", "culprit", "1.0", "1.2")]
    assert found["ended"] == "after --time"
    assert "so that it may be narrower" in found["text"]


def test_what_only_changes_how_it_fails_is_not_blamed(tool: Tool, planted: Planted, case: tuple[str, ...]) -> None:
    """The culprit fails with the old helper too, but otherwise: not known to be the same."""
    worded = "import helper\nraise ImportError('seen by helper ' + helper.__version__[0] + '!')\n"
    planted.plant("helper", fine("1.0"))
    planted.plant("helper", fine("2.0"), day="2025-05-01")
    planted.plant("culprit", fine("1.0", "1.1"))
    planted.plant("culprit", {"1.2": worded, "1.3": worded}, day="2025-05-01")
    planted.converter("helper", "culprit")
    found = explained(tool("explain", *case, "--good", "as_of=2024-04-10", "--json"))
    assert culprits(found) == [("package", "culprit", "1.1", "1.2")]
    assert [change["name"] for change in found["unsure"]] == ["helper"]
    assert not found["minimal"]
    assert found["unknown"] == 1
    assert "Made as well: helper 1.0 → 2.0." in found["text"]


def test_what_cannot_be_resolved_is_explained_by_what_is_requested(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    """TensorFlow's releases from 2.16 on are one too new for the converter's helper."""
    for version in ("2.15.1", "2.16.0", "2.16.1", "2.17.0"):
        planted.plant("tensorflow", {version: TENSORFLOW}, "numpy")
    planted.plant("helper", fine("1.0"), "tensorflow<2.16")
    planted.converter("helper")
    newer = [word if word != "2.15.0" else "2.17.0" for word in case]
    ran = tool("explain", *newer, "--good", "tensorflow=2.15.0", "--good", "process_env=no-onednn", "--json")
    found = explained(ran)
    assert culprits(found) == [("package", "tensorflow", "2.15.1", "2.16.0")]
    assert [change["name"] for change in found["changes"]] == ["tensorflow", "process_env"]
    assert found["signature"].startswith("unresolvable: ")
    assert found["minimal"]
    assert "no lock can be resolved" in found["text"]
    matrix = MATRIX.replace('"2.15.0"]', '"2.15.0", "2.17.0"]').replace('["culprit==1.0", "culprit==1.3"]', "[[]]")
    put(tmp_path, m__toml=matrix)
    assert tool("run", "m.toml", "--output", "out").code == 1
    found = explained(tool("explain", "tf2.17.0", "--output", "out", "--json"))
    assert culprits(found) == [("package", "tensorflow", "2.15.1", "2.16.0")]


def failing_once(marker: Path, message: str) -> str:
    """Code that fails the first time it runs."""
    return f"""
import os
if not os.path.exists({str(marker)!r}):
    open({str(marker)!r}, "w").close()
    raise ImportError({message!r})
"""


def test_flaky_ends_blame_nobody(tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path) -> None:
    """The bad end fails once and never again."""
    planted.plant("culprit", {**fine("1.0", "1.1", "1.2"), "1.3": failing_once(tmp_path / "once", "at times")})
    planted.converter("culprit")
    options = ("--constraint", "culprit==1.3", "--good", "constraint=culprit==1.0", "--jobs", "1")
    ran = tool("explain", *case, *options, "--json")
    found = explained(ran)
    assert (ran.code, found["reproduced"], found["culprits"], found["flaky"]) == (1, False, [], True)
    assert "the ends are flaky" in found["text"]


def test_a_flaky_failure_is_asked_for_again(
    tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path
) -> None:
    """One trial between the ends answers otherwise the first time."""
    releases = fine("1.0", "1.1", "1.2", "1.3", "1.4") | broken("gone", "1.5", "1.6", "1.7", "1.8")
    flaky = {version: failing_once(tmp_path / version, "gone") for version in ("1.3", "1.4")}
    planted.plant("culprit", releases | flaky)
    planted.converter("culprit")
    options = ("--constraint", "culprit==1.8", "--good", "constraint=culprit==1.0", "--jobs", "1")
    found = explained(tool("explain", *case, *options, "--json"))
    assert culprits(found) == [("package", "culprit", "1.4", "1.5")]
    assert found["flaky"]
    assert 0.9 < found["confidence"] < 1
    assert "the trials are flaky, so that they were repeated: confidence" in found["text"]


def test_wheels_of_a_folder_are_bisected(tool: Tool, planted: Planted, case: tuple[str, ...], tmp_path: Path) -> None:
    """Local wheels that no index has, breaking in yet another way in the middle of their range."""
    planted.plant("local", fine("1.0", "1.1") | broken("otherwise", "1.2") | broken("so", "1.3", "1.4"))
    planted.converter("local")
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, content in planted.index.files.pop("local").items():
        (folder / name).write_bytes(content)
    ends = ("--constraint", "local==1.4", "--good", "constraint=local==1.0")
    found = explained(tool("explain", *case, *ends, "--json", env={"UV_FIND_LINKS": str(folder)}))
    assert culprits(found) == [("package", "local", "1.1", "1.3")]
    assert found["unknown"] == 1
