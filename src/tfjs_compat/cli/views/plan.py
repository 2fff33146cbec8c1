"""The plan, for a terminal."""

from __future__ import annotations

import os
from collections import Counter

from packaging.version import Version
from rich.console import Console
from rich.text import Text

from tfjs_compat.engine.forecast import why_not_cached
from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.environments import environment as environments
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.report import axes
from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.words import count, left_out, plain
from tfjs_compat.system.store import Store


def show(console: Console, plan: Plan, store: Store, *, fresh: bool = False) -> None:
    """Print a row for each combination, then the sums, and why what is not kept has to run."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, 160)
    rows: dict[tuple[object, ...], list[Planned]] = {}
    why_not = dict(zip((one.case.id for one in plan.cases), why_not_cached(plan, store, fresh=fresh), strict=True))
    for one in plan.cases:
        rows.setdefault((one.case.combination,), []).append(one)
    told: list[tuple[str, ...]] = []
    for group in rows.values():
        first = group[0]
        kept = str(sum(why_not[one.case.id] is None for one in group))
        lock = first.lock
        if isinstance(lock, Lock):
            state = "built" if environments.is_built(lock.id, store) else "to build"
            cells = (keras_to_use(first), str(len(group)), kept, lock.id[:8], state)
        else:
            why = (
                "cannot be resolved: " + ", ".join(lock.packages) if isinstance(lock, Unresolved) else f"error: {lock}"
            )
            cells = ("-", str(len(group)), "-", "-", plain(why))
        told.append((*cells, first.case.combination.slug()))
    asked = [group[0].case.combination for group in rows.values()]
    columns = axes.columns(asked)
    for at, title in enumerate(("Keras", "cases", "kept", "lock", "environment", "name")):
        columns.append(Column(title, [Text(row[at]) for row in told]))
    console.print(Hanging(Text(plain(f"{plan.matrix.name}: {', '.join(axes.shared(asked))}"), "bold"), 0, 2))
    console.print(Grid(columns), crop=False)
    locks = plan.locks()
    built = sum(environments.is_built(one, store) for one in locks)
    sums = [count(len(plan.cases), "case"), count(len(rows), "combination"), count(len(locks), "environment")]
    console.print(Text(f"\n{', '.join(sums)} ({built} built)", "bold"))
    to_run = Counter(why_not[one.case.id] for one in plan.cases if isinstance(one.lock, Lock))
    kept_in_all = to_run.pop(None, 0)
    console.print(Text(f"{count(kept_in_all, 'outcome')} kept, {count(to_run.total(), 'case')} to run"))
    for reason, number in to_run.most_common():
        console.print(Text(f"  {number} × {reason}", "dim"))
    if plan.left_out:
        reasons = [f"{one.what}: {one.why}" for one in plan.left_out]
        console.print(Text("\n" + plain(left_out(reasons)), "dim"))


def keras_to_use(one: Planned) -> str:
    """The Keras that tf.keras will be, as the lock and the process variables have it; ``-`` where there is no lock."""
    if not isinstance(one.lock, Lock):
        return "-"
    # tensorflow/python/util/lazy_loader.py reads it so, from 2.15 on.
    knows = Version(one.case.combination.tensorflow) >= Version("2.15.0rc0")
    legacy = knows and one.variables.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")
    name = "tf-keras" if legacy and "tf-keras" in one.lock.packages else "keras"
    return one.lock.packages.get(name, "-")
