"""What looks for a way to convert a model: find, convert."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import with_options
from tfjs_compat.cli.options.searches import SEARCH, search_request
from tfjs_compat.cli.options.shared import FORCE, OUTPUT, TARGET, WATCHING
from tfjs_compat.cli.watching import each_save, progress_of_each
from tfjs_compat.errors import Interrupted

if TYPE_CHECKING:
    from tfjs_compat.api import SearchRequest


@cli.command(short_help="Find what it takes for a model to work.")
@with_options(*SEARCH, OUTPUT)
@click.option(
    "--route", "routes", multiple=True, metavar="R", help="Only this route. Repeatable [default: layers, graph]."
)
def find(as_json: bool, **given: Any) -> None:
    """Find versions, a route and what else it takes for a model to work in TensorFlow.js.

    Ends with a recipe that was run, also written to OUTPUT/recipe, or with the reasons why nothing works. Exit code 0:
    found; 1: nothing works within the limits; 2: the request is wrong; 3: the machine or the network failed; 130:
    interrupted.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import found as found_view

    out, err = outputs()
    request = search_request(given)
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        found = api.find(request, progress, stop)
    if as_json:
        print_json(found_view.as_json(found))
    else:
        found_view.show(out, found, f"{request.run_options.output}{os.sep}")
    sys.exit(exit_codes.of_search(found))


@cli.command(short_help="Convert a model, and prove that it works.")
@with_options(*SEARCH, TARGET)
@click.option("--format", "form", type=click.Choice(["layers", "graph"]), help="layers: can be trained further.")
@click.option("--quantize", type=click.Choice(["float16", "uint8", "uint16"]), help="Store the weights smaller.")
@with_options(FORCE, WATCHING)
def convert(
    target: Path, form: str | None, quantize: str | None, force: bool, watching: bool, as_json: bool, **given: Any
) -> None:
    """Convert a model, whatever it takes, and prove that the result works.

    Finds versions, a route and repairs as `find` does; writes the TensorFlow.js model and CONVERSION.json to DIR once
    its predictions agreed, and nothing where no way exists. With --watch: again at each save of what it read, until
    Ctrl-C (docs/loop.md). Exit code 0: written; 1: no way; 2: the request is wrong; 3: the machine or the network
    failed; 130: interrupted.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import found as found_view

    out, err = outputs()
    request = search_request({**given, "routes": _routes(form, quantize)})
    if watching:
        _convert_on_save(request, target, force=force, as_json=as_json)
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        found = api.convert(request, target, force=force, progress=progress, stop=stop)
    if as_json:
        print_json({**found_view.as_json(found), "output": str(target) if found.found else None})
    else:
        found_view.show_converted(out, found, target, f"{api.work_folder(target, request.run_options.store)}{os.sep}")
    sys.exit(exit_codes.of_search(found))


def _convert_on_save(request: SearchRequest, target: Path, *, force: bool, as_json: bool) -> NoReturn:
    from tfjs_compat import api
    from tfjs_compat.cli.views import on_save

    out, _ = outputs()
    stop = stop_on_signal()
    tell = each_save(on_save.converted_as_json if as_json else partial(on_save.show_converted, out), as_json=as_json)
    api.convert_on_save(request, target, tell, stop, progress_of_each, force=force)
    raise Interrupted


def _routes(form: str | None, quantize: str | None) -> tuple[str, ...]:
    """The routes to a format (None: to any), with the weights stored that way."""
    formats = (form,) if form else ("layers", "graph")
    return tuple(f"{route}+{quantize}" if quantize else route for route in formats)
