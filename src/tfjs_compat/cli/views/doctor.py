"""What doctor found, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.look import STATUSES
from tfjs_compat.workflows.doctor import DoctorFinding


def show(console: Console, findings: Sequence[DoctorFinding]) -> None:
    """Print one row a finding, and whether a run can start."""
    marks = Column("", [Text(one.status, STATUSES[one.status]) for one in findings])
    names = Column("", [Text(one.what) for one in findings], wraps=False)
    console.print(Grid([marks, names, Column("", [Text(one.says) for one in findings], stays=True)]), crop=False)
    bad = [one.what for one in findings if one.status == "bad"]
    said = f"A run would stop: {', '.join(bad)}." if bad else "Nothing here would stop a run."
    console.print(Hanging(Text(f"\n{said}", "bold")))
