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
    marks = Column("", [Text(finding.status, STATUSES[finding.status]) for finding in findings])
    names = Column("", [Text(finding.what) for finding in findings], wraps=False)
    says = Column("", [Text(finding.says) for finding in findings], stays=True)
    console.print(Grid([marks, names, says]), crop=False)
    bad = [finding.what for finding in findings if finding.status == "bad"]
    verdict = f"A run would stop: {', '.join(bad)}." if bad else "Nothing here would stop a run."
    console.print(Hanging(Text(f"\n{verdict}", "bold")))
