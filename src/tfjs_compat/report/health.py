"""What doctor found, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfjs_compat.doctor import Examined

_STYLES = {"ok": "green", "note": "yellow", "bad": "bold red"}


def show(console: Console, findings: Sequence[Examined]) -> None:
    """Print one row a finding, and whether a run can start."""
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    for one in findings:
        table.add_row(Text(one.status, _STYLES[one.status]), one.what, Text(one.says))
    console.print(table)
    bad = [one.what for one in findings if one.status == "bad"]
    console.print(Text(f"\nA run would stop: {', '.join(bad)}." if bad else "\nNothing here would stop a run.", "bold"))
