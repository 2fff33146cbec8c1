"""What names the culprit of a failure: explain, bisect."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, print_text, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.cases import CULPRIT, bisect_request, explain_request
from tfjs_compat.cli.options.declaring import with_options

if TYPE_CHECKING:
    from tfjs_compat.search.culprit.explanation import Explanation
    from tfjs_compat.system.progress import Progress


_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="markdown: the text of an issue.",
)


@cli.command(short_help="Name the change that makes a case fail.")
@click.argument("case", required=False)
@with_options(*CULPRIT)
@click.option(
    "--good",
    "good",
    multiple=True,
    metavar="CASE|KEY=VALUE",
    help="What works: a case of the last run, or CASE with an axis changed: as_of=2024-04-10, keras=3.2.1, "
    "process_env=legacy-keras, constraint='ydf<0.13'. Repeatable [default: the nearest that works].",
)
@_FORMAT
def explain(as_json: bool, form: str, **given: Any) -> None:
    """Name the smallest change that makes a case fail: a package between two neighbouring releases, a process variable,
    the Python, the route, an option.

    CASE is the id, or a part of it, of a case of the last run (in --output); without it the options say what to run.
    Both ends are run first. Exit code 0: a culprit; 1: none, or the failure did not show; 2: the request is wrong;
    3: the machine or the network failed; 130: interrupted.
    """
    from tfjs_compat import api

    request = explain_request(given)
    _answer(lambda progress, stop: api.explain(request, progress, stop), as_json, form)


@cli.command(short_help="Find the day or the release with which a case begins to fail.")
@with_options(*CULPRIT)
@click.option("--package", "package", metavar="NAME", help="Bisect the releases of this package.")
@click.option("--range", "range", metavar="V..V", help="Between these releases of it: 3.0.0..3.15.1.")
@click.option(
    "--signature",
    "signature",
    metavar="TEXT",
    help="What counts as failing: a part of a signature, or a known issue's id [default: how the failing end fails].",
)
@_FORMAT
def bisect(as_json: bool, form: str, **given: Any) -> None:
    """Find the day or the release with which a case begins to fail, or ceases to.

    --as-of 2024-04-10..today bisects the dates of the packages, and names what was released on that day; --package with
    --range bisects the releases of one package, the others kept. The other options say what to run. Both ends are run
    first. Exit code 0: found; 1: the range has no such place; 2: the request is wrong; 3: the machine or the network
    failed; 130: interrupted.
    """
    from tfjs_compat import api

    request = bisect_request(given)
    _answer(lambda progress, stop: api.bisect(request, progress, stop), as_json, form)


def _answer(work: Callable[[Progress, threading.Event], Explanation], as_json: bool, form: str) -> NoReturn:
    """Do the work, print its answer, and exit with its code."""
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import explained

    _, err = outputs()
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        found = work(progress, stop)
    if as_json:
        print_json(explained.as_json(found))
    else:
        print_text(explained.markdown(found) if form == "markdown" else f"{found.text}\n")
    if found.interrupted:
        err.print("interrupted\nhint: run the same command again; no trial is run twice", soft_wrap=True)
    sys.exit(exit_codes.of_explanation(found))
