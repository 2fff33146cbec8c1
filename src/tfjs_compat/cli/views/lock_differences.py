"""The differences of locks, for a terminal and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from tfjs_compat.report.words import count, plain
from tfjs_compat.workflows.diff_locks import LockDifference

_CASES = 3


def as_json(found: Sequence[LockDifference]) -> dict[str, Any]:
    """``diff-locks --json``: for each pair of locks what was added, removed and changed."""
    parts = ("added", "removed", "changed")
    return {
        "differences": [
            {"old": one.old, "new": one.new, "cases": one.cases}
            | {part: getattr(one.difference, part) for part in parts}
            for one in found
        ]
    }


def show(console: Console, found: Sequence[LockDifference]) -> None:
    """Print each pair of locks and the packages that differ, one a line."""
    for one in found:
        changes = one.difference.changes
        console.print(Text(f"{plain(one.old)} → {plain(one.new)}: {count(len(changes), 'package')}", "bold"))
        if one.cases:
            more = f" and {len(one.cases) - _CASES} more" if len(one.cases) > _CASES else ""
            console.print(Text(f"  {plain(', '.join(one.cases[:_CASES]))}{more}", "dim"), soft_wrap=True)
        for change in changes:
            console.print(Text(f"  {change.name} {change.old or 'not installed'} → {change.new or 'not installed'}"))
    if not found:
        console.print("The locks are the same.")
