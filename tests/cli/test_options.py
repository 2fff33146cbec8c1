"""Options: the message for a wrong one, and the field of a request that each sets."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from support.commands import Tool

from tfjs_compat.api import RunRequest, SearchRequest
from tfjs_compat.cli.main import cli
from tfjs_compat.cli.options.runs import run_request
from tfjs_compat.cli.options.searches import search_request
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import AXES, Axes, Axis
from tfjs_compat.outcomes.stages import Stage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "no such command 'rum' hint: did you mean 'run'?"),
        (["xyzzy"], "no such command 'xyzzy' hint: use one of: "),
        (["env", "lst"], "no such command 'lst' hint: did you mean 'list'?"),
        (["run", "--tensorflw", "2"], "no such option '--tensorflw' hint: did you mean '--tensorflow'?"),
        (["run", "--jobs", "0"], "--jobs: 0 is not in the range"),
        (["run", "--jobs", "many"], "--jobs: 'many' is not a valid integer"),
        (["run", "--time-limit", "0"], "--time-limit: 0.0 is not in the range"),
        (["run", "--time-limit", "nan"], "--time-limit: nan is not a finite number"),
        (["run", "--until", "covnert"], "'load', 'predict' hint: did you mean 'convert'?"),
        (["run", "--runtime", "deno"], "--runtime: 'deno' is not one of"),
        (["run", "a.toml", "b.toml"], "extra argument (b.toml) hint: `tfjs-compat run --help` says what there is"),
        (["check"], "missing argument 'FOLDER' hint: `tfjs-compat check --help` says what there is"),
        (["run", "nowhere.toml"], "nowhere.toml: there is no such matrix file"),
        (["run", "zzzzz"], "zzzzz: there is no such matrix file hint: use one that ships with the tool: "),
        (["run", "frontir"], "frontir: there is no such matrix file hint: did you mean 'frontier'?"),
        (["run", "zoo:mlp"], "there is no such matrix file hint: a model is given by --model zoo:mlp"),
        (["plan", "model.keras"], "there is no such matrix file hint: a model is given by --model model.keras"),
        (["plan", "seed", "--only", "[" * 50_000], "--only: a pattern has more than 1000 characters"),
        (["run", "seed", "--report", "junit=folder"], "--report junit=folder: it is a folder"),
        (["run", "seed", "--report", "html=/proc/x/y.html"], "--report html=/proc/x/y.html: cannot be written to"),
        (["run", "seed", "--report", "junit=" + "n" * 5000], "cannot be used: File name too long"),
        (["diff-locks", "n" * 5000, "x"], "File name too long"),
        (["merge", "n" * 5000, "--output", "o"], "File name too long"),
        (["run", "folder"], "folder: it is a folder, not a matrix file"),
        (["run", "--process-env", "legacy-kera"], "'legacy-kera' hint: did you mean 'legacy-keras'?"),
        (["run", "--route", "layer"], "route 'layer': no such route hint: did you mean 'layers'?"),
        (["run", "--as-of", "yesterday"], "'yesterday' is neither a date such as 2024-04-10 nor 'today'"),
        (["run", "--as-of", "2024-02-30"], "'2024-02-30' is neither a date"),
        (["run", "--tensorflow", "two"], "'two' is neither a version ('2.16.1') nor a range"),
        (["run", "--constraint", "setuptools<<81"], "'setuptools<<81'"),
        (["run", "--inputs", "nowhere.npz"], "--inputs nowhere.npz: there is no such file"),
        (["env", "path", "abc"], "no environment starts with 'abc'"),
        (["env", "remove"], "missing argument 'IDS...'"),
        (["env", "gc", "--unused-days", "-1"], "--unused-days: -1.0 is not in the range"),
    ],
)
def test_a_wrong_command_line(tool: Tool, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "folder").mkdir()
    ran = tool(*arguments)
    assert message in ran.message
    assert ran.code == 2
    assert ran.out == ""


def parsed(command: str, *arguments: str) -> dict[str, Any]:
    """The parameters that a command gets for arguments."""
    return cli.commands[command].make_context(command, list(arguments)).params


def test_options_of_a_run_set_the_fields_that_they_name() -> None:
    request = run_request(
        parsed(
            "run",
            *("seed", "--tensorflow", "2.16.1", "--tensorflow", "newest", "--keras", "3.2.1", "--as-of", "today"),
            *("--constraint", "a<1", "--constraint", "b<2", "--stand-in", "c", "--process-env", "legacy-keras"),
            *("--model", "m.py:f", "--route", "graph", "--only", "x*", "--until", "convert", "--jobs", "2"),
            *("--no-cache", "--source-builds", "--output", "o", "--inputs", "i.npz", "--runtime", "browser"),
            *("--node", "system", "--time-limit", "9", "--layout", "flat", "--isolation", "process", "--try-remedies"),
        )
    )
    assert request == RunRequest(
        matrix="seed",
        axes={
            "tensorflow": ["2.16.1", "newest"],
            "tensorflowjs": [],
            "keras": ["3.2.1"],
            "python": [],
            "as_of": ["today"],
            "process_env": ["legacy-keras"],
            "constraints": [["a<1", "b<2"]],  # type: ignore[list-item]
            "stand_ins": [["c"]],  # type: ignore[list-item]
            "tfjs_runtime": [],
        },
        models=("m.py:f",),
        routes=("graph",),
        only=("x*",),
        until=Stage.CONVERT,
        output=Path("o"),
        jobs=2,
        fresh=True,
        source_builds=True,
        runtime="browser",
        node="system",
        inputs=Path("i.npz"),
        seconds=9.0,
        try_remedies=True,
        isolation="process",
        layout="flat",
        store=request.store,
    )


def test_without_options_a_request_has_its_own_defaults() -> None:
    assert run_request(parsed("run")).says_what_to_run is False
    for name in ("run", "plan"):
        request = run_request(parsed(name))
        for field in fields(RunRequest):
            if field.name not in ("axes", "store"):
                assert getattr(request, field.name) == getattr(RunRequest(), field.name)
    request = search_request(parsed("find", "--model", "m"))
    for search_field in fields(SearchRequest):
        if search_field.name not in ("model", "run_options"):
            assert getattr(request, search_field.name) == getattr(SearchRequest("m"), search_field.name)


def test_options_of_a_search_reach_the_right_request() -> None:
    request = search_request(
        parsed("find", "--model", "m", "--no-repair", "--time", "60", "--jobs", "3", "--no-cache", "--route", "graph")
    )
    assert (request.model, request.repair, request.seconds, request.routes) == ("m", False, 60.0, ("graph",))
    assert (request.run_options.jobs, request.run_options.fresh) == (3, True)
    assert request.run_options.seconds is None, "--time limits the search, not a case"
    assert request.run_options.routes == ()


@pytest.mark.parametrize("model", ["zoo:mlp", "train.py:build", "train.py", "m.keras", "m.h5"])
def test_only_a_saved_model_has_signatures(model: str) -> None:
    with pytest.raises(RequestError, match=f"--signature encode: model '{model}' is no SavedModel"):
        search_request(parsed("find", "--model", model, "--signature", "encode"))


def test_a_signature_is_part_of_the_model() -> None:
    request = search_request(parsed("find", "--model", "folder", "--signature", "encode"))
    assert request.model == "folder:encode"


@pytest.mark.parametrize("command", ["run", "plan", "find", "convert"])
def test_every_option_is_a_field_of_a_request(command: str) -> None:
    known = {field.name for request in (RunRequest, SearchRequest) for field in fields(request)}
    known |= {f"axis_{name}" for name in Axes.__struct_fields__}
    own = {
        "as_json",
        "every_case",
        "fail_on",
        "reports",
        "target",
        "form",
        "quantize",
        "force",
        "help",
        "of",
        "signature",
        "watching",
    }
    names = {str(option.name) for option in cli.commands[command].params if isinstance(option, click.Parameter)}
    assert names - known - own == set()


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("axis", [axis for axis in AXES if axis.option], ids=lambda axis: axis.name)
def test_the_option_of_an_axis_is_as_its_table_says(command: str, axis: Axis) -> None:
    """The options are written down once more: ``--help`` must not load the table's module."""
    (option,) = (option for option in cli.commands[command].params if option.name == f"axis_{axis.name}")
    assert isinstance(option, click.Option)
    assert option.opts == [axis.option]
    assert (option.metavar, option.help) == (axis.metavar, f"{axis.help} Repeatable.")


@pytest.mark.parametrize(
    "words",
    [
        ("find", "--model", "zoo:mlp", "--time"),
        ("env", "gc", "--unused-days"),
    ],
)
@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_a_number_is_finite(tool: Tool, words: tuple[str, ...], number: str) -> None:
    ran = tool(*words, number)
    assert ran.code == 2
    assert f"{number} is not a finite number" in ran.message
