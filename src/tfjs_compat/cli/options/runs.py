"""What to run, and how: ``run``, ``plan`` and ``watch``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from tfjs_compat.cli.options.declaring import AXIS, FiniteRange, axis, file, inverted, many
from tfjs_compat.cli.options.shared import (
    ALL,
    AS_JSON,
    BASELINE,
    FAIL_ON,
    HOW,
    INPUTS,
    MODELS,
    OUTPUT,
    PERMISSIONS,
    RUNTIME,
    TIME_LIMIT,
    WATCHING,
)

if TYPE_CHECKING:
    from tfjs_compat.api import RunRequest

_STAGES = ("resolve", "install", "import", "build", "serialize", "convert", "check", "load", "predict")
_LISTED = ("constraints", "stand_ins")
"""Axes of which one value is a list: the option's values together are one value."""

# What to run: `run` and `plan`.
MATRIX = (
    click.argument("matrix", required=False),
    axis("--tensorflow", "tensorflow", "V", "TensorFlow release or range: 2.16.1, '>=2.15,<2.18', newest."),
    axis("--tensorflowjs", "tensorflowjs", "V", "Converter release or range."),
    axis("--keras", "keras", "V", "Keras release or range; 'resolved': what the resolver gives."),
    axis("--python", "python", "V", "Python of the environments: 3.11; 'auto': by TensorFlow's wheels."),
    axis("--as-of", "as_of", "DATE", "Packages as they were on that date (2024-04-10); 'today'."),
    axis("--process-env", "process_env", "NAME", "Process variables: default, legacy-keras, no-onednn, joined by +."),
    axis("--constraint", "constraints", "REQ", "A constraint on every combination: 'setuptools<81'."),
    axis("--stand-in", "stand_ins", "PACKAGE", "Leave a package out, with an empty module in its place."),
    axis("--tfjs-runtime", "tfjs_runtime", "V", "TensorFlow.js that loads the result: a version, default, converter."),
    many("--model", "models", "M", MODELS),
    many("--route", "routes", "R", "layers, keras-h5, keras-v3, graph, with variants: layers+repair, graph+float16."),
    many("--only", "only", "GLOB", "Only cases whose id or combination matches: 'tf2.16*'."),
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
    file(
        "--output",
        "output",
        metavar="DIR",
        help="With --shards: write the plan there with its locks, for `run --shard i/N --plan DIR`.",
    ),
)

# How to run it: `run` only.
RUN = (
    WATCHING,
    OUTPUT,
    BASELINE,
    FAIL_ON,
    many("--report", "reports", "FORMAT=FILE", "Write a report of that format (see `report`) when the run ends."),
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
        type=FiniteRange(1),
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
    TIME_LIMIT,
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
    file(
        "--plan", "plan", metavar="DIR", help="The plan that `plan --shards N --output DIR` wrote, to run a shard of."
    ),
    *PERMISSIONS,
    click.option(
        "--try-remedies", "try_remedies", is_flag=True, help="Run the remedies of what fails, until one works."
    ),
    click.option(
        "--explain", "explain", is_flag=True, help="Explain what fails unexpectedly, once for each cause; see explain."
    ),
    file(
        "--lock",
        "lock",
        metavar="FILE",
        help="Run in exactly this lock: one of OUTPUT/locks, a requirements.txt with hashes, a pylock.toml.",
    ),
)

# What to look at again: `watch` only.
WATCH = (
    file(
        "--state",
        "state",
        default=".tfjs-compat-watch",
        show_default=True,
        metavar="DIR",
        help="Folder of what is known; keep it between runs.",
    ),
    click.option("--no-explain", "explain", is_flag=True, callback=inverted, help="Do not look for the culprit."),
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


def run_request(given: Mapping[str, Any]) -> RunRequest:
    """The request that the parameters of a command mean; what it does not know is left out.

    A parameter that was not given (None) leaves the request's own default.
    """
    from dataclasses import fields

    from tfjs_compat.api import RunRequest
    from tfjs_compat.outcomes.stages import Stage

    axes = {name.removeprefix(AXIS): list(values) for name, values in given.items() if name.startswith(AXIS)}
    for name in _LISTED:
        if axes.get(name):
            axes[name] = [axes[name]]
    known = {field.name for field in fields(RunRequest)}
    values = {name: value for name, value in given.items() if name in known and value is not None}
    if "until" in values:
        values["until"] = Stage(values["until"])
    return RunRequest(axes=axes, **values)
