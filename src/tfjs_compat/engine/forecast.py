"""What a run of a plan would find done already, and why the rest has to run. Reads the store, builds nothing."""

from __future__ import annotations

from tfjs_compat.engine import cache
from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.environments import environment as environments
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version


def why_not_cached(plan: Plan, store: Store, *, fresh: bool = False) -> list[str | None]:
    """For each case of a plan why a run with the default options would run it; None where its outcome is kept.

    ``fresh``: everything runs (``--no-cache``). Raises MachineryError where this package's own files cannot be read.
    """
    until = plan.matrix.until
    # What `run` has without --runtime, --node, --inputs, --isolation and --layout, which a plan does not know of.
    checks = until.rank > Stage.CONVERT.rank
    runtime = TfjsRuntime(Context(store), "node", "wheel").describe() if checks else "none"
    conditions = cache.conditions(store, until, runtime)

    def reason(planned: Planned) -> str | None:
        if isinstance(planned.lock, Unresolved):
            return "there is no lock, so there is nothing to run"
        if not isinstance(planned.lock, Lock):
            return "there is no lock: the machinery failed"
        if fresh:
            return "--no-cache: everything runs anew"
        key = cache.cache_key(planned, planned.lock, runtime_version(planned.case), conditions)
        return cache.why_not_kept(planned, key, store)

    return [reason(planned) for planned in plan.cases]


def describe(plan: Plan, store: Store, *, fresh: bool = False) -> list[dict[str, object]]:
    """The plan's cases as ``plan --json`` prints them: the shape of results.json without what only a run can know."""
    rows: list[dict[str, object]] = []
    for planned, why_not in zip(plan.cases, why_not_cached(plan, store, fresh=fresh), strict=True):
        case, lock = planned.case, planned.lock
        built = isinstance(lock, Lock) and environments.is_built(lock.id, store)
        rows.append(
            {
                "id": case.id,
                "combination": case.combination,
                "resolved": lock.resolved() if isinstance(lock, Lock) else {},
                "lock": lock.id if isinstance(lock, Lock) else None,
                "model": case.model.ref,
                "route": case.route.name,
                "expected": case.expected,
                "environment": "built" if built else "to build" if isinstance(lock, Lock) else None,
                "message": lock if isinstance(lock, str) else lock.message if isinstance(lock, Unresolved) else "",
                "cached": why_not is None,
                "why_not_cached": why_not,
            }
        )
    return rows
