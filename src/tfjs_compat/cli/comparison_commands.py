"""What compares runs: diff, history."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, print_text
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import NamedPath, with_options
from tfjs_compat.cli.options.shared import ALL, AS_JSON, FAIL_ON
from tfjs_compat.errors import RequestError
from tfjs_compat.report import writers


@cli.command(short_help="Show what changed between two runs.")
@click.argument("old", type=NamedPath())
@click.argument("new", type=NamedPath())
@click.option(
    "--format",
    "form",
    type=click.Choice([writer.name for writer in writers.CHANGES_WRITERS]),
    default="terminal",
    show_default=True,
)
@with_options(FAIL_ON)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def diff(old: Path, new: Path, form: str, fail_on: tuple[str, ...], as_json: bool) -> None:
    """Show what changed from the run OLD to the run NEW: for each case one of eleven kinds, grouped by root cause, with
    the packages that changed between its two locks.

    OLD and NEW are output folders or files results.json. Exit code 1: a case is of a kind that --fail-on names.
    """
    from tfjs_compat import api

    kinds = api.kinds_named(fail_on)
    comparison = api.diff(old, new, api.Store())
    writer = writers.find_changes_writer("json" if as_json else form)
    print_text(writer.render(comparison, writers.Place(new if new.is_dir() else new.parent, outputs()[0])))
    sys.exit(exit_codes.of_comparison(comparison, kinds))


@cli.command(short_help="Show how each case ended in earlier runs.")
@click.argument("output", type=NamedPath(), default=".tfjs-compat")
@with_options(ALL, AS_JSON)
def history(output: Path, every_case: bool, as_json: bool) -> None:
    """Show how each case ended in the runs that OUTPUT/runs keeps.

    When it last changed, how often, whether it is flaky, and the seconds that it takes. Cases that never changed are
    folded; --all shows them.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.views import history as view

    runs = api.kept_runs(output)
    if not runs:
        raise RequestError(f"{output}: no earlier run is kept here\nhint: `tfjs-compat run` keeps runs in OUTPUT/runs")
    found = api.by_last_change(api.read_history(output))
    if as_json:
        print_json({"runs": runs, "cases": found})
    else:
        view.show(outputs()[0], found, len(runs), every_case=every_case)
