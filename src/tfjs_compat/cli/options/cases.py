"""One case that fails, of a run or run first: ``repro``, ``reduce``, ``explain``, ``bisect``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from tfjs_compat.cli.options.declaring import FiniteRange
from tfjs_compat.cli.options.runs import MATRIX, run_request
from tfjs_compat.cli.options.shared import (
    AS_JSON,
    INPUTS,
    OUTPUT,
    PERMISSIONS,
    RESULTS,
    RUNTIME,
    TIME_LIMIT,
)

if TYPE_CHECKING:
    from tfjs_compat.api import BisectRequest, ExplainRequest, RunRequest

# One case that fails: named among the results of a run, or run first.
ONE_CASE = (
    click.argument("case", required=False),
    RESULTS,
    *MATRIX[1:-1],
    INPUTS,
    *RUNTIME,
    TIME_LIMIT,
    *PERMISSIONS,
)

# What asks trials for a culprit: `explain` and `bisect`, of one case.
CULPRIT = (
    *MATRIX[1:-1],
    OUTPUT,
    INPUTS,
    *RUNTIME,
    TIME_LIMIT,
    *PERMISSIONS,
    click.option("--time", "most_seconds", type=FiniteRange(1), metavar="SECONDS", help="Stop after that time."),
    click.option(
        "--max-trials", "max_trials", type=click.IntRange(1), metavar="N", help="Stop after N cases were run."
    ),
    AS_JSON,
)


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
