"""A console that shows names and messages without what a terminal would obey, whoever made them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tfjs_compat.system.text import plain


class PlainConsole(Console):
    """Of the control characters and sequences of a text only the end of a line is shown; colours are the console's."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Console.render; the texts in it are plain."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)
