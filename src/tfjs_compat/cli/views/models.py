"""The example models, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from tfjs_compat.report.grid import Column, Grid


def show(console: Console, models: Mapping[str, str]) -> None:
    """Print a row for each: the reference to give as a model, and what it is."""
    names = Column("model", [Text(f"zoo:{name}") for name in models])
    # What it is comes from a docstring.
    console.print(Grid([names, Column("what it is", [Text(what.replace("``", "")) for what in models.values()])]))
