"""What a run of a plan would find done already, and why the rest is to do. Reads the store and builds nothing."""

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

    ``fresh``: everything is to run anew.
    """
    # What `run` has without --runtime, --node and --inputs, which a plan does not know of.
    checks = plan.matrix.until.rank > Stage.CONVERT.rank
    web = TfjsRuntime(Context(store), "node", "wheel").describe() if checks else "none"
    given = cache.conditions(plan.matrix.until, web, None)

    def one(planned: Planned) -> str | None:
        if isinstance(planned.lock, Unresolved):
            return "there is no lock, so there is nothing to run"
        if not isinstance(planned.lock, Lock):
            return "there is no lock: the machinery failed"
        if fresh:
            return "asked to run everything anew"
        question = cache.cache_key(planned, planned.lock, runtime_version(planned.case), given)
        return cache.why_not_kept(planned.case.id, question, store)

    return [one(planned) for planned in plan.cases]


def describe(plan: Plan, store: Store, *, fresh: bool = False) -> list[dict[str, object]]:
    """The plan's cases as ``plan --json`` prints them: the shape of results.json without what only a run can know."""
    rows: list[dict[str, object]] = []
    for one, why_not in zip(plan.cases, why_not_cached(plan, store, fresh=fresh), strict=True):
        lock = one.lock
        built = isinstance(lock, Lock) and environments.is_built(lock.id, store)
        rows.append(
            {
                "id": one.case.id,
                "combination": one.case.combination,
                "resolved": lock.resolved() if isinstance(lock, Lock) else {},
                "lock": lock.id if isinstance(lock, Lock) else None,
                "model": one.case.model.ref,
                "route": one.case.route,
                "expected": one.case.expected,
                "environment": "built" if built else "to build" if isinstance(lock, Lock) else None,
                "message": lock if isinstance(lock, str) else lock.message if isinstance(lock, Unresolved) else "",
                "cached": why_not is None,
                "why_not_cached": why_not,
            }
        )
    return rows
