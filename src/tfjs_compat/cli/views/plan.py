"""The plan, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from packaging.version import Version
from rich.console import Console
from rich.text import Text

from tfjs_compat.engine.forecast import why_not_cached
from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.environments import environment as environments
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.cases import Combination
from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.terminal import axis_columns, widen
from tfjs_compat.report.words import count, left_out, plain
from tfjs_compat.system.store import Store

_TITLES = ("cases", "cached", "lock", "environment", "name")


def show(console: Console, plan: Plan, store: Store, *, fresh: bool = False) -> None:
    """Print a row for each combination, then the sums, and why the cases to run have no cached outcome."""
    widen(console)
    why_not = dict(
        zip((planned.case.id for planned in plan.cases), why_not_cached(plan, store, fresh=fresh), strict=True)
    )
    groups: dict[Combination, list[Planned]] = {}
    for planned in plan.cases:
        groups.setdefault(planned.case.combination, []).append(planned)
    columns, shared = axis_columns(list(groups), [keras_to_use(group[0]) for group in groups.values()])
    cells = [_cells(group, why_not, store) for group in groups.values()]
    columns += [Column(title, [Text(row[at]) for row in cells]) for at, title in enumerate(_TITLES)]
    console.print(Hanging(Text(plain(f"{plan.matrix.name}: {', '.join(shared)}"), "bold"), 0, 2))
    console.print(Grid(columns), crop=False)
    locks = plan.locks()
    built = sum(environments.is_built(lock, store) for lock in locks)
    sums = [count(len(plan.cases), "case"), count(len(groups), "combination"), count(len(locks), "environment")]
    console.print(Text(f"\n{', '.join(sums)} ({built} built)", "bold"))
    to_run = Counter(why_not[planned.case.id] for planned in plan.cases if isinstance(planned.lock, Lock))
    cached = to_run.pop(None, 0)
    console.print(Text(f"{count(cached, 'outcome')} cached, {count(to_run.total(), 'case')} to run"))
    for reason, number in to_run.most_common():
        console.print(Text(f"  {number} × {reason}", "dim"))
    if plan.left_out:
        reasons = [f"{omitted.what}: {omitted.why}" for omitted in plan.left_out]
        console.print(Text("\n" + plain(left_out(reasons)), "dim"))


def _cells(group: Sequence[Planned], why_not: Mapping[str, str | None], store: Store) -> tuple[str, ...]:
    """The cells of one combination, by title."""
    first = group[0]
    lock, name = first.lock, first.case.combination.slug()
    if isinstance(lock, Lock):
        cached = sum(why_not[planned.case.id] is None for planned in group)
        state = "built" if environments.is_built(lock.id, store) else "to build"
        return str(len(group)), str(cached), lock.id[:8], state, name
    state = f"cannot be resolved: {', '.join(lock.packages)}" if isinstance(lock, Unresolved) else f"error: {lock}"
    return str(len(group)), "-", "-", plain(state), name


def keras_to_use(planned: Planned) -> str:
    """The Keras that tf.keras will be, as the lock and the process variables have it; empty where there is no lock."""
    if not isinstance(planned.lock, Lock):
        return ""
    # tensorflow/python/util/lazy_loader.py reads it so, from 2.15 on.
    knows = Version(planned.case.combination.tensorflow) >= Version("2.15.0rc0")
    legacy = knows and planned.variables.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")
    name = "tf-keras" if legacy and "tf-keras" in planned.lock.packages else "keras"
    return planned.lock.packages.get(name, "")
