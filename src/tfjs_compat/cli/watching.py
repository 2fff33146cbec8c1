"""What `run --watch` and `convert --watch` share: what they refuse, what they print and where."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from tfjs_compat.cli.console import outputs, print_json_line

if TYPE_CHECKING:
    from tfjs_compat.api import Save
    from tfjs_compat.system.progress import Progress


def require_alone(given: Mapping[str, object]) -> None:
    """Raise click.UsageError where an option was given that says something of one run."""
    named = [flag for flag, value in given.items() if value]
    if named:
        raise click.UsageError(f"--watch and {named[0]}: it runs again and again, here\nhint: leave {named[0]} out")


def each_save(told: Callable[[Save[Any]], Any], *, as_json: bool) -> Callable[[Save[Any]], None]:
    """What is called with each save: it prints it, or what ``told`` makes of it as a line of JSON."""
    from tfjs_compat.cli.views import on_save

    _, err = outputs()
    is_first = True

    def tell(save: Save[Any]) -> None:
        nonlocal is_first
        said = told(save)
        if as_json:
            print_json_line(said)
        if is_first:
            on_save.show_waiting(err, save)
        is_first = False

    return tell


@contextlib.contextmanager
def progress_of_each(stop: threading.Event) -> Iterator[Progress]:
    """The progress of one run of many, on stderr; on a terminal nothing of it is left when it has ended."""
    from tfjs_compat.cli.live_progress import on_terminal

    _, err = outputs()
    with on_terminal(err, stop, lasting=False) as progress:
        yield progress
