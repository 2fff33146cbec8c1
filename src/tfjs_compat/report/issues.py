"""The catalogue of known issues, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfjs_compat.known_issues import KnownIssue


def show(console: Console, issues: Sequence[KnownIssue], *, whole: bool) -> None:
    """Print one line an issue, or all of one."""
    if not whole:
        table = Table(box=None, pad_edge=False)
        for title in ("issue", "shows at", "what it is"):
            table.add_column(title, overflow="fold")
        for issue in issues:
            table.add_row(issue.id, ", ".join(map(str, issue.stages)), issue.title)
        console.print(table)
        return
    for issue in issues:
        console.print(Text.assemble((issue.id, "bold"), f": {issue.title}"))
        console.print(Text(f"shows at {', '.join(map(str, issue.stages))}\n\n{issue.explanation.strip()}"))
        if issue.remedies:
            console.print(Text("\nShould cure it, the least change first:", "bold"))
            for number, remedy in enumerate(issue.remedies, 1):
                console.print(Text(f"  {number}. {remedy.title}"))
        for link in issue.links:
            console.print(Text(link, "dim"), soft_wrap=True)
