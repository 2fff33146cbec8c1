"""The plan, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from packaging.version import Version
from rich.console import Console
from rich.text import Text

from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.shards import ShardSize
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.numbers import clock
from tfjs_compat.report.printing import widen
from tfjs_compat.report.terminal import axis_columns
from tfjs_compat.report.words import count, left_out, plain

Row = tuple[Planned, Mapping[str, object]]
"""A planned case and what ``api.describe`` says of it."""

_NAMES = 12
"""How many models and routes of a plan are named."""

_TITLES = ("cases", "cached", "lock", "environment", "name")


def show(console: Console, plan: Plan, described: Sequence[Mapping[str, object]]) -> None:
    """Print a row for each combination, then the sums, and why the cases to run have no cached outcome.

    ``described`` is what ``api.describe`` says of each case of the plan.
    """
    widen(console)
    rows: list[Row] = list(zip(plan.cases, described, strict=True))
    groups: dict[Combination, list[Row]] = {}
    for planned, facts in rows:
        groups.setdefault(planned.case.combination, []).append((planned, facts))
    columns, shared = axis_columns(list(groups), [keras_to_use(group[0][0]) for group in groups.values()])
    cells = [_cells(group) for group in groups.values()]
    columns += [Column(title, [Text(row[at]) for row in cells]) for at, title in enumerate(_TITLES)]
    console.print(Hanging(Text(plain(f"{plan.matrix.name}: {', '.join(shared)}"), "bold"), 0, 2))
    console.print(Grid(columns), crop=False)
    console.print()
    for title, names in (
        ("models", [row.case.model.name for row, _ in rows]),
        ("routes", [row.case.route.name for row, _ in rows]),
    ):
        console.print(Hanging(Text(plain(f"{title}: {_listed(names)}")), 0, 2))
    locks = {facts["lock"]: facts["environment"] for facts in described if facts["lock"] is not None}
    built = sum(environment == "built" for environment in locks.values())
    sums = [count(len(rows), "case"), count(len(groups), "combination"), count(len(locks), "environment")]
    console.print(Text(f"\n{', '.join(sums)} ({built} built)", "bold"))
    to_run = Counter(facts["why_not_cached"] for facts in described if facts["lock"] is not None)
    cached = to_run.pop(None, 0)
    console.print(Text(f"{count(cached, 'outcome')} cached, {count(to_run.total(), 'case')} to run"))
    for reason, number in to_run.most_common():
        console.print(Text(f"  {number} × {reason}", "dim"))
    if plan.left_out:
        reasons = [f"{omitted.what}: {omitted.why}" for omitted in plan.left_out]
        console.print(Text("\n" + plain(left_out(reasons)), "dim"))


def _listed(names: Iterable[str]) -> str:
    """The first names of a plan, each once."""
    each = list(dict.fromkeys(names))
    more = f" and {len(each) - _NAMES} more" if len(each) > _NAMES else ""
    return ", ".join(each[:_NAMES]) + more


def show_shards(console: Console, sizes: Sequence[ShardSize]) -> None:
    """Print a row for each shard: its cases, its environments, what it is expected to take."""
    titles = ("shard", "cases", "environments", "about")
    rows = [(size.shard, str(size.cases), str(size.environments), clock(size.seconds)) for size in sizes]
    columns = [Column(title, [Text(row[at]) for row in rows]) for at, title in enumerate(titles)]
    console.print(Grid(columns), crop=False)


def _cells(group: Sequence[Row]) -> tuple[str, ...]:
    """The cells of one combination, by title."""
    planned, facts = group[0]
    lock, name = planned.lock, planned.case.combination.slug()
    if isinstance(lock, Lock):
        cached = sum(bool(row["cached"]) for _, row in group)
        return str(len(group)), str(cached), lock.id[:8], str(facts["environment"]), name
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
