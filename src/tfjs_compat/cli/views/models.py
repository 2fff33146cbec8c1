"""The example models, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from tfjs_compat.report.grid import Column, Grid


def show(console: Console, models: Mapping[str, str]) -> None:
    """Print a row for each: the reference to give as ``--model``, and its description."""
    names = Column("model", [Text(f"zoo:{name}") for name in models])
    # The descriptions are docstrings.
    console.print(
        Grid([names, Column("description", [Text(description.replace("``", "")) for description in models.values()])])
    )
