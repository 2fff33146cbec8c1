"""What a view prints, on a console of a given width without colours."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console


def shown_by(view: Callable[[Console], object], width: int = 200) -> str:
    """The text that a view prints."""
    file = io.StringIO()
    view(Console(file=file, width=width, color_system=None))
    return file.getvalue()
