"""What runs a matrix, and what it would run or has found: run, plan, merge, report."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, print_text, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import NamedPath, with_options
from tfjs_compat.cli.options.runs import MATRIX, RUN, SHARDS, run_request
from tfjs_compat.cli.options.shared import ALL, AS_JSON, BASELINE, FAIL_ON, MERGED
from tfjs_compat.cli.watching import each_save, progress_of_each, require_alone
from tfjs_compat.errors import Interrupted
from tfjs_compat.report import writers

if TYPE_CHECKING:
    from tfjs_compat.api import RunRequest


@cli.command(short_help="Run a matrix: convert, load, compare.")
@with_options(*MATRIX, *RUN)
def run(
    as_json: bool, fail_on: tuple[str, ...], reports: tuple[str, ...], every_case: bool, watching: bool, **given: Any
) -> None:
    """Run a MATRIX for real: a file, or a shipped one (seed, frontier, plain, repairs, zoo).

    Without MATRIX: [tool.tfjs-compat] of ./pyproject.toml; else plain (what installs today) if an option names a model,
    a route or versions; else the seed. With --watch: again at each save of what it read, until Ctrl-C (docs/loop.md).
    Exit code 0: every case is as expected; 1: some are not, or with --baseline some changed in a way that --fail-on
    names; 2: the request is wrong; 3: the machine or the network failed; 130: interrupted, or stopped by --time.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal

    out, err = outputs()
    request = run_request(given)
    if watching:
        _run_on_save(request, reports, as_json=as_json)
    kinds, baseline, targets = api.kinds_named(fail_on), api.read_baseline(request), api.report_targets(reports)
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        results = api.run(request, progress, stop, baseline)
    comparison = api.against_baseline(baseline, results, request) if baseline is not None else None
    background = api.Background(comparison, kinds, api.read_history(request.output, api.SHOWN_RUNS))
    if as_json:
        print_json(results)
    else:
        print_text(writers.DEFAULT.render(results, writers.Place(request.output, out, every_case), background))
    for writer, file in targets:
        written = api.write_report(writer, file, results, request.output, background)
        if written.file is None:
            print_text(written.text)
        else:
            err.print(f"written: {written.file}", soft_wrap=True, markup=False)
    err.print(f"written: {request.output / 'results.json'}", soft_wrap=True, markup=False)
    if request.only and (others := len(api.read_results(request.output).cases) - len(results.cases)) > 0:
        err.print(
            f"note: it also holds what earlier runs found about other cases ({others})\n"
            f"hint: `tfjs-compat report {request.output}` shows all of them",
            soft_wrap=True,
            markup=False,
        )
    if request.baseline is None and len(api.kept_runs(request.output)) == 1 and results.complete:
        err.print(
            f"note: the first run here\nhint: the next one says what changed with --baseline {request.output}",
            soft_wrap=True,
            markup=False,
        )
    code = exit_codes.of_results(results, comparison, kinds)
    if code == exit_codes.INTERRUPTED:
        why = "stopped: --time is up" if results.stopped == "time" else "interrupted"
        err.print(f"{why}\nhint: run the same command again; what has ended is not run twice", soft_wrap=True)
    sys.exit(code)


def _run_on_save(request: RunRequest, reports: tuple[str, ...], *, as_json: bool) -> NoReturn:
    from tfjs_compat import api
    from tfjs_compat.cli.views import on_save

    given = {
        "--shard": request.shard,
        "--plan": request.plan,
        "--baseline": request.baseline,
        "--report": reports,
        "--time": request.budget,
        "--retries": request.retries,
        "--executor": request.executor != "threads",
    }
    require_alone(given)
    out, _ = outputs()
    stop = stop_on_signal()
    tell = each_save(on_save.run_as_json if as_json else partial(on_save.show_run, out), as_json=as_json)
    api.run_on_save(request, tell, stop, progress_of_each)
    raise Interrupted


@cli.command(short_help="Show what a run would do.")
@with_options(*MATRIX, *SHARDS)
def plan(as_json: bool, of: int | None, form: str, output: Path | None, **given: Any) -> None:
    """Show what a run would do: cases, locks, environments. Builds nothing.

    With --shards: what each of N machines would do.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import plan as plan_view

    out, err = outputs()
    request = run_request(given)
    if of is not None:
        with on_terminal(err) as progress:
            sizes = api.shards(request, of, output, progress, stop_on_signal())
        if form == "github":
            # A shard without a case needs no machine.
            print_json({"include": [size for size in sizes if size.cases]})
        elif as_json:
            print_json({"shards": sizes})
        else:
            plan_view.show_shards(out, sizes)
        return
    if form != "text" or output is not None:
        raise click.UsageError("--format and --output say something of shards\nhint: add --shards N")
    with on_terminal(err) as progress:
        planned = api.plan(request, progress, stop_on_signal())
    cases = api.describe(planned, request.store, fresh=request.fresh)
    if as_json:
        print_json({"cases": cases, "left_out": planned.left_out})
    else:
        plan_view.show(out, planned, cases)
    for rule in planned.unused_rules if request.asks_for_all else ():
        err.print(f"note: {rule}", markup=False, soft_wrap=True)
    sys.exit(exit_codes.of_plan(planned))


@cli.command(short_help="Unite the runs of a plan's shards.")
@click.argument("folders", nargs=-1, required=True, type=NamedPath(), metavar="DIR...")
@with_options(MERGED, AS_JSON)
def merge(folders: tuple[Path, ...], output: Path, as_json: bool) -> None:
    """Unite runs of one plan, such as its shards, in one output folder, and report it as `run` does.

    DIR... are their output folders. Exit code as of one run over all of the plan; 3 where a part of it is missing.
    """
    from tfjs_compat import api

    out, err = outputs()
    merged = api.merge_runs(folders, output)
    if as_json:
        print_json(merged.results)
    else:
        print_text(writers.DEFAULT.render(merged.results, writers.Place(output, out)))
    for lost in merged.lost:
        whose = f"shard {lost.shard}: " if lost.shard else ""
        more = f" and {len(lost.cases) - 3} more" if lost.cases[3:] else ""
        err.print(f"missing: {whose}{', '.join(lost.cases[:3])}{more}", markup=False, soft_wrap=True)
    err.print(f"written: {output / 'results.json'}", soft_wrap=True, markup=False)
    sys.exit(exit_codes.of_merged(merged))


_FORMATS = "; ".join(f"{writer.name}: {writer.purpose}" for writer in writers.WRITERS)
_FILES = ", ".join(f"OUTPUT/{writer.file} for {writer.name}" for writer in writers.WRITERS if writer.file)


@cli.command(short_help="Report what a run found.", epilog=f"Formats: {_FORMATS}.")
@click.argument("output", type=NamedPath(), default=".tfjs-compat")
@click.option(
    "--format",
    "name",
    type=click.Choice([writer.name for writer in writers.WRITERS]),
    default=writers.DEFAULT.name,
    show_default=True,
)
@with_options(ALL, BASELINE, FAIL_ON)
@click.option(
    "--to",
    type=NamedPath(allow_dash=True),
    metavar="FILE",
    help=f"Target; '-': stdout [default: {_FILES}, else stdout].",
)
def report(
    output: Path, name: str, to: Path | None, baseline: Path | None, fail_on: tuple[str, ...], every_case: bool
) -> None:
    """Report what a run found. OUTPUT is its folder (default: .tfjs-compat) or a results.json.

    Exit code 0, whatever it found; where --fail-on is given, 1: against --baseline a case is of a kind that it names.
    """
    from tfjs_compat import api

    asked = click.get_current_context().get_parameter_source("fail_on") is ParameterSource.COMMANDLINE
    if asked and baseline is None:
        raise click.UsageError(
            "--fail-on names kinds of change: there is nothing to compare with\nhint: --baseline DIR"
        )
    out, err = outputs()
    kinds = api.kinds_named(fail_on)
    request = api.ReportRequest(output, name, to, baseline, kinds, every_case)
    written = api.report(request, api.Store(), out)
    if written.file is None:
        print_text(written.text)
    else:
        err.print(f"written: {written.file}", soft_wrap=True, markup=False)
    if asked and written.comparison is not None:
        sys.exit(exit_codes.of_comparison(written.comparison, kinds))
