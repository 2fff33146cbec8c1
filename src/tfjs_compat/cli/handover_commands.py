"""What makes a failing case small, and hands it to somebody else: reduce, repro."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.cases import ONE_CASE, case_request
from tfjs_compat.cli.options.declaring import FiniteRange, NamedPath, with_options
from tfjs_compat.cli.options.runs import run_request
from tfjs_compat.cli.options.shared import AS_JSON


@cli.command(short_help="Write what a stranger runs to see a failure.")
@with_options(*ONE_CASE)
@click.option("--output", "target", type=NamedPath(), metavar="DIR", help="Folder of the reproduction.")
@click.option("--force", is_flag=True, help="Replace a reproduction that is there.")
@click.option(
    "--check",
    "checked",
    type=NamedPath(),
    metavar="DIR",
    help="Run the reproduction in DIR in a fresh environment instead; does its failure show?",
)
@with_options(AS_JSON)
def repro(target: Path | None, checked: Path | None, force: bool, as_json: bool, **given: Any) -> None:
    """Write a folder, and a .zip of it, that shows the failure of CASE by one command and needs nothing of this tool.

    CASE is an id, or a part of one, of the last run; without it, what the options say is run first. --check runs the
    code of a bundle with all that you may do: check bundles of people whom you trust. Exit code 0:
    written, or the failure showed; 1: nothing fails, or it did not show; 2: the request is wrong, or a file would give
    away what is private; 3: the machine or the network failed.
    """
    if checked is not None:
        if target is not None or given["case"] is not None:
            raise click.UsageError("--check takes a folder and nothing else: no case, no --output")
        _check(checked, as_json=as_json, **given)
    if target is None:
        raise click.UsageError("missing option '--output'\nhint: --output DIR, a folder for the reproduction")
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import reproduced

    case, run_options = case_request(given)
    out, err = outputs()
    request = api.ReproRequest(target, case, given["results"], force, run_options)
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        written = api.repro(request, progress, stop)
    if as_json:
        print_json(reproduced.written_as_json(written))
    else:
        reproduced.show_written(out, written)
    sys.exit(exit_codes.of_reproduction(written))


def _check(folder: Path, *, as_json: bool, **given: Any) -> None:
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import reproduced

    out, err = outputs()
    options = run_request({name: value for name, value in given.items() if name != "results"})
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        report = api.check_reproduction(folder, options, progress, stop)
    if as_json:
        print_json(report)
    else:
        reproduced.show_checked(out, report)
    sys.exit(exit_codes.of_checked(report))


@cli.command(short_help="Find the smallest model that fails in the same way.")
@with_options(*ONE_CASE)
@click.option(
    "--output",
    "target",
    type=NamedPath(dir_okay=False),
    # Not beside the builder: a file that comes there makes another model of it.
    default=".tfjs-compat/reduced.py",
    show_default=True,
    metavar="FILE",
    help="Python file to write.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--time",
    "time_limit",
    type=FiniteRange(1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Take the smallest so far after that time.",
)
@with_options(AS_JSON)
def reduce(target: Path, force: bool, time_limit: float, as_json: bool, **given: Any) -> None:
    """Find the smallest model that fails as CASE does: fewer layers, inputs and outputs, smaller numbers, no options.

    CASE is an id, or a part of one, of the last run; without it, what the options say is run first. Each candidate is
    code that is run as a case is. Exit code 0: written; 1: nothing fails, or not when the model is made again from its
    configuration; 2: the request is wrong; 3: the machine or the network failed; 130: interrupted, and the smallest
    model so far is written.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import reproduced

    case, run_options = case_request(given)
    out, err = outputs()
    request = api.ReduceRequest(target, case, given["results"], force, time_limit, run_options)
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        reduced = api.reduce(request, progress, stop)
    if as_json:
        print_json(reproduced.reduced_as_json(reduced))
    else:
        reproduced.show_reduced(out, reduced)
    sys.exit(exit_codes.of_reduced(reduced))
