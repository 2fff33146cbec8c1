"""The catalogue of known issues, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import KnownIssue
from tfjs_compat.report.grid import Column, Grid, Hanging


def show(console: Console, issues: Sequence[KnownIssue], *, whole: bool) -> None:
    """Print one line an issue, or all of one."""
    if not whole:
        names = Column("issue", [Text(issue.id) for issue in issues])
        stages = Column("shows at", [Text(", ".join(map(str, issue.stages))) for issue in issues])
        titles = Column("description", [Text(issue.title) for issue in issues])
        console.print(Grid([names, stages, titles]), crop=False)
        return
    for issue in issues:
        console.print(Hanging(Text.assemble((issue.id, "bold"), f": {issue.title}"), 0, 2))
        console.print(Text(f"shows at {', '.join(map(str, issue.stages))}\n"))
        console.print(Hanging(Text(issue.explanation.strip())))
        if issue.remedies:
            console.print(Text("\nShould cure it, the least change first:", "bold"))
            for number, remedy in enumerate(issue.remedies, 1):
                console.print(Hanging(Text(f"{number}. {remedy.title}"), 2, 5))
            console.print(Text("`tfjs-compat run --try-remedies` and `find` try them on your model.", "dim"))
        if issue.often_followed_by:
            console.print(
                Hanging(Text(f"Often followed, once it is cured, by {', '.join(issue.often_followed_by)}."), 0, 2)
            )
        for link in issue.links:
            console.print(Text(link, "dim"), soft_wrap=True)
