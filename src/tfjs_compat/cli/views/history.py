"""How cases ended in earlier runs, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.numbers import duration
from tfjs_compat.report.printing import widen
from tfjs_compat.report.words import count, plain
from tfjs_compat.results.history import CaseHistory

_SHOWN_ENDS = 14


def show(console: Console, found: Sequence[CaseHistory], runs: int, *, every_case: bool) -> None:
    """Print a row for each case that changed or is flaky, and a line on the others; or a row for each."""
    widen(console)
    shown = [history for history in found if every_case or history.changed or history.flaky]
    if shown:
        columns = [
            Column("last change", [Text((history.changed or "–")[:10]) for history in shown], wraps=False),
            Column("changes", [Text(str(history.changes)) for history in shown], right=True),
            Column("flaky", [Text(str(history.flaky or "")) for history in shown], right=True),
            Column("seconds", [Text(_seconds(history)) for history in shown], right=True, wraps=False),
            Column("ends", [_ends(history) for history in shown], stays=True, wraps=False),
            Column("case", [Text(plain(history.case)) for history in shown]),
        ]
        console.print(Grid(columns), crop=False)
    rest = len(found) - len(shown)
    line = f"{count(runs, 'run')}, {count(len(found), 'case')}: {len(shown)} shown"
    console.print(Hanging(Text(line + (f", {rest} never changed (--all shows them)" if rest else ""), "bold")))


def _seconds(history: CaseHistory) -> str:
    """The median, and where it took much longer or shorter last, that too."""
    if history.seconds is None:
        return "–"
    last = history.ends[-1].seconds
    far = history.seconds > 0 and not 0.5 <= last / history.seconds <= 2
    return duration(history.seconds) + (f", last {duration(last)}" if far else "")


def _ends(history: CaseHistory) -> Text:
    """A symbol for each run, oldest first; ``~`` where it was flaky."""
    text = Text()
    for end in history.ends[-_SHOWN_ENDS:]:
        look = VERDICTS[end.verdict]
        text.append("~" if end.flaky else look.symbol, look.style)
    return text
