"""What every command shares: where it prints, how it prints text and JSON, what stops it."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


_MOST_DIGITS = 6


def outputs() -> tuple[Console, Console]:
    """The consoles of stdout and stderr."""
    from tfjs_compat.cli.plain_console import PlainConsole

    if len(os.environ.get("COLUMNS", "")) > _MOST_DIGITS:
        # Of thousands of digits Python makes no number, and rich asks for one.
        del os.environ["COLUMNS"]
    return PlainConsole(highlight=False), PlainConsole(stderr=True, highlight=False)


def print_text(text: str) -> None:
    """Print a finished text to stdout, in UTF-8 whatever the locale."""
    click.echo(text.encode(), nl=False)


def print_json(value: Any) -> None:
    """Print a value to stdout as JSON, in UTF-8 whatever the locale; paths as text."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2))


def print_json_line(value: Any) -> None:
    """Print a value to stdout as one line of JSON, at once; otherwise as ``print_json``."""
    import msgspec

    click.echo(msgspec.json.encode(value, enc_hook=str).decode())


def stop_on_signal() -> threading.Event:
    """An event that SIGTERM and the first Ctrl-C set; a second Ctrl-C ends the process at once."""
    stop = threading.Event()

    def first(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()

    signal.signal(signal.SIGINT, first)
    signal.signal(signal.SIGTERM, first)
    return stop
