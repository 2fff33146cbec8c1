"""Progress on stderr: a live table on a terminal, else one line for each activity that ends."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tfjs_compat.report.numbers import clock, duration
from tfjs_compat.report.words import short
from tfjs_compat.system.progress import Progress
from tfjs_compat.system.text import shown

_ROWS = 12
_STEP = 40
_LATE = 5.0
"""Seconds after the expected end from which it is late."""


class Lines:
    """One line on stderr for each activity that ends: for pipes, logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console, self._started = console, time.monotonic()
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()
        self._done = ""

    def begin(self, what: str) -> None:
        """Remember when it began."""
        self._begun[what] = time.monotonic()

    def say(self, what: str, now: str | Callable[[], str]) -> None:
        """Print nothing: what an activity does right now is for somebody who watches."""

    def cases(self, done: int, total: int, _seconds_left: float) -> None:
        """Remember it: each line says how much is done."""
        self._done = f" {done}/{total}"

    def end(self, what: str, result: str) -> None:
        """Print the line, unless the result is empty."""
        now = time.monotonic()
        began = self._begun.pop(what, None)
        if result:
            took = f" ({duration(now - began)})" if began is not None else ""
            line = f"[{clock(now - self._started)}{self._done}] {what}: {result}{took}"
            with self._lock:
                self._console.print(Text(shown(line)), soft_wrap=True)


class Display:
    """The running activities, redrawn in place with the stage and the time of each; finished ones scroll above.

    Below them: how many cases are done of all, and how long the rest is expected to take; or that it is stopping.
    Without ``lasting`` no line stays of what is finished.
    """

    def __init__(self, console: Console, stop: threading.Event | None = None, *, lasting: bool = True) -> None:
        self._console, self._started, self._lasting = console, time.monotonic(), lasting
        self._stop = stop or threading.Event()
        self._running: dict[str, tuple[float, str | Callable[[], str]]] = {}
        self._lock = threading.Lock()
        self._ended = 0
        self._cases = (0, 0)
        self._ends = 0.0

    def begin(self, what: str) -> None:
        """Add a row."""
        with self._lock:
            self._running[what] = (time.monotonic(), "")

    def say(self, what: str, now: str | Callable[[], str]) -> None:
        """Change the row's text."""
        with self._lock:
            if what in self._running:
                self._running[what] = (self._running[what][0], now)

    def cases(self, done: int, total: int, seconds_left: float) -> None:
        """Change the line below."""
        with self._lock:
            self._cases, self._ends = (done, total), time.monotonic() + seconds_left

    def end(self, what: str, result: str) -> None:
        """Remove the row and print its result."""
        with self._lock:
            began, _ = self._running.pop(what, (time.monotonic(), ""))
            self._ended += 1
        if result and self._lasting:
            # The result first: a narrow terminal cuts the end off.
            line = Text.assemble(
                (f"{time.monotonic() - began:6.1f} s ", "dim"), shown(result), ("  " + shown(what), "dim")
            )
            self._console.print(line, overflow="ellipsis", no_wrap=True)

    def __rich__(self) -> Group:
        now = time.monotonic()
        with self._lock:
            running = list(self._running.items())
        rows = [_row(now - began, doing, what) for what, (began, doing) in running[:_ROWS]]
        if len(running) > _ROWS:
            rows.append(Text(f"         and {len(running) - _ROWS} more", "dim"))
        return Group(*rows, self._below(now))

    def _below(self, now: float) -> Text:
        if self._stop.is_set():
            return Text("  stopping… (Ctrl-C again ends at once)", "bold yellow")
        (done, total), left = self._cases, self._ends - now
        parts = [f"{done} of {total} cases" if total else f"{self._ended} done"]
        parts.append(f"{clock(now - self._started)} elapsed")
        if total > done:
            parts.append(_left(left))
        return Text(f"  {', '.join(parts)}", "dim")


def _left(seconds: float) -> str:
    """How long the rest is expected to take; where that is over, what it says is not repeated for minutes."""
    if seconds >= 1:
        return f"about {clock(seconds)} left"
    return "nearly done" if seconds > -_LATE else "taking longer than expected"


def _row(seconds: float, doing: str | Callable[[], str], what: str) -> Text:
    """One activity in one line. What it does stands before its name, whose end a narrow terminal cuts off."""
    step = short(doing() if callable(doing) else doing, _STEP)
    line = Text.assemble((f"{seconds:6.0f} s ", "cyan"), shown(f"{step}  {what}" if step else what))
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


@contextlib.contextmanager
def on_terminal(console: Console, stop: threading.Event | None = None, *, lasting: bool = True) -> Iterator[Progress]:
    """Progress for a console: live where it is a terminal, lines where it is not. ``stop``: what ends the command.

    Without ``lasting`` a terminal keeps no line for what is finished.
    """
    if not console.is_terminal:
        yield Lines(console)
        return
    display = Display(console, stop, lasting=lasting)
    with Live(display, console=console, refresh_per_second=4, transient=True, redirect_stdout=False):
        yield display
