"""The plan, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfjs_compat import environments
from tfjs_compat.locks import Lock, Unresolved
from tfjs_compat.plan import Plan, Planned
from tfjs_compat.report.words import count, left_out, plain
from tfjs_compat.store import Store


def show(console: Console, plan: Plan, store: Store) -> None:
    """Print a row for each combination, then the sums."""
    if not console.is_terminal:
        console.width = max(console.width, 160)
    rows: dict[tuple[object, ...], list[Planned]] = {}
    for one in plan.cases:
        rows.setdefault((one.case.combination,), []).append(one)
    table = Table(box=None, pad_edge=False)
    for title in ("combination", "Keras", "cases", "lock", "environment"):
        table.add_column(title, overflow="fold")
    for group in rows.values():
        first = group[0]
        lock = first.lock
        if isinstance(lock, Lock):
            state = "built" if environments.is_built(lock.id, store) else "to build"
            cells = (lock.packages.get("keras", "-"), str(len(group)), lock.id[:8], state)
        else:
            why = (
                "cannot be resolved: " + ", ".join(lock.packages) if isinstance(lock, Unresolved) else f"error: {lock}"
            )
            cells = ("-", str(len(group)), "-", plain(why))
        table.add_row(Text(first.case.combination.slug()), *map(Text, cells))
    console.print(table)
    locks = plan.locks()
    built = sum(environments.is_built(one, store) for one in locks)
    told = [count(len(plan.cases), "case"), count(len(rows), "combination"), count(len(locks), "environment")]
    console.print(Text(f"\n{', '.join(told)} ({built} built)", "bold"))
    if plan.left_out:
        reasons = [f"{one.what}: {one.why}" for one in plan.left_out]
        console.print(Text("\n" + plain(left_out(reasons)), "dim"))
