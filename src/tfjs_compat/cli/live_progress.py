"""Progress on stderr: a live table on a terminal, else one line for each activity that ends."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tfjs_compat.report.numbers import clock, duration
from tfjs_compat.system.progress import Progress
from tfjs_compat.system.text import shown


class Lines:
    """One line on stderr for each activity that ends: for pipes, logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console, self._started = console, time.monotonic()
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, what: str) -> None:
        """Remember when it began."""
        self._begun[what] = time.monotonic()

    def say(self, what: str, now: str) -> None:
        """Print nothing: what an activity does right now is for somebody who watches."""

    def end(self, what: str, result: str) -> None:
        """Print the line, unless the result is empty."""
        now = time.monotonic()
        began = self._begun.pop(what, None)
        if result:
            took = f" ({duration(now - began)})" if began is not None else ""
            line = f"[{clock(now - self._started)}] {what}: {result}{took}"
            with self._lock:
                self._console.print(Text(shown(line)), soft_wrap=True)


class Display:
    """A table of the running activities, redrawn in place with elapsed times; finished ones scroll above it."""

    def __init__(self, console: Console) -> None:
        self._console, self._started = console, time.monotonic()
        self._running: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._ended = 0

    def begin(self, what: str) -> None:
        """Add a row."""
        with self._lock:
            self._running[what] = (time.monotonic(), "")

    def say(self, what: str, now: str) -> None:
        """Change the row's text."""
        with self._lock:
            if what in self._running:
                self._running[what] = (self._running[what][0], now)

    def end(self, what: str, result: str) -> None:
        """Remove the row and print its result."""
        with self._lock:
            began, _ = self._running.pop(what, (time.monotonic(), ""))
            self._ended += 1
        if result:
            # The result first: a narrow terminal cuts the end off.
            line = Text.assemble(
                (f"{time.monotonic() - began:6.1f} s ", "dim"), shown(result), ("  " + shown(what), "dim")
            )
            self._console.print(line, overflow="ellipsis", no_wrap=True)

    def __rich__(self) -> Group:
        now = time.monotonic()
        rows = Table.grid(padding=(0, 1))
        rows.add_column(no_wrap=True)
        rows.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        with self._lock:
            for what, (began, doing) in list(self._running.items())[:12]:
                rows.add_row(Text(f"{now - began:6.0f} s", "cyan"), Text(shown(f"{what} {doing}")))
            more = len(self._running) - 12
        if more > 0:
            rows.add_row("", Text(f"and {more} more", "dim"))
        return Group(rows, Text(f"  {clock(now - self._started)} elapsed, {self._ended} done", "dim"))


@contextlib.contextmanager
def on_terminal(console: Console) -> Iterator[Progress]:
    """Progress for a console: live where it is a terminal, lines where it is not."""
    if not console.is_terminal:
        yield Lines(console)
        return
    display = Display(console)
    with Live(display, console=console, refresh_per_second=4, transient=True, redirect_stdout=False):
        yield display
