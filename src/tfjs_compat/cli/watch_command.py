"""`watch`: speak only when the world changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_text, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import with_options
from tfjs_compat.cli.options.runs import MATRIX, WATCH, run_request
from tfjs_compat.report import writers


@cli.command(short_help="Run what new releases change; speak only of news.")
@with_options(*MATRIX, *WATCH)
def watch(as_json: bool, state: Path, form: str, explain: bool, **given: Any) -> None:
    """Run what changed since the last time, and speak only when a verdict or a cause changed.

    Everything is resolved anew; a case runs where a package of its lock, its model or this tool has changed. What is
    known is in the folder --state, which a CI keeps from night to night. Of what fails anew the culprit is looked for,
    as `explain` does. Nothing on stdout means that nothing is news.
    Exit code 0: no news, or the first time; 1: news; 2: the request is wrong; 3: the machine or the network failed,
    and what was known stays; 130: interrupted.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.report.words import count

    out, err = outputs()
    request = api.WatchRequest(state=state, explain=explain, run_options=run_request(given))
    with on_terminal(err) as progress:
        watched = api.watch(request, progress, stop_on_signal())
    name = "json" if as_json else form
    if watched.comparison is not None and (watched.news or name == "json"):
        writer = writers.find_changes_writer(name)
        print_text(writer.render(watched.comparison, writers.Place(request.run_options.output, out)))
    cases = count(len(watched.results.cases), "case")
    if watched.comparison is None:
        said = f"the first time: {cases} kept in {state}"
    else:
        said = f"{cases}, {watched.ran} of them run: " + (f"{len(watched.news)} news" if watched.news else "no news")
    err.print(said, soft_wrap=True, markup=False)
    sys.exit(exit_codes.of_watch(watched))
