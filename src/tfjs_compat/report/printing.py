"""What rich prints → text, as wide and as colourful as the console that shows it."""

from __future__ import annotations

import io
import os

from rich.console import Console, RenderableType

PIPE_COLUMNS = 160
"""How wide a report is at least where no terminal shows it."""


def as_text(content: RenderableType, console: Console | None) -> str:
    """The content as text for that console; without one, for a file."""
    console = console or Console(file=io.StringIO(), highlight=False)
    widen(console)
    with console.capture() as captured:
        console.print(content, crop=False)
    return captured.get()


def widen(console: Console) -> None:
    """Give a pipe or a file long lines, unless COLUMNS says how wide it is."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, PIPE_COLUMNS)
