"""Run the remedies of failing cases, and add what came of them to the results."""

from __future__ import annotations

import msgspec

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Plan, releases_of
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.results.case_result import Results
from tfjs_compat.search.evaluator import engine_evaluator
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.search.try_remedies import may_need_remedy, try_remedies, with_remedy_results


def with_remedies(results: Results, plan: Plan, engine: Engine) -> Results:
    """The results, each failing case with its ``cure``. Raises MachineryError, Interrupted."""
    progress, matrix = engine.context.progress, plan.matrix
    interpreters = find_interpreters(engine.context.store)
    evaluator = engine_evaluator(
        engine, interpreters, process_env=matrix.process_env, source_builds=matrix.requirements.source_builds
    )
    policy = ChangePolicy.of_index(releases_of(("tensorflow", "tensorflowjs"), engine.context), interpreters)
    cases = {planned.case.id: planned.case for planned in plan.cases}
    failing = {result.id: (cases[result.id], result) for result in results.cases if may_need_remedy(result)}
    what = "remedies"
    progress.begin(what)
    found = try_remedies(failing, policy, evaluator, lambda text: progress.say(what, text))
    works = sum(remedies.works for remedies in found.values())
    progress.end(what, f"{works} of {len(failing)} failing cases have one that works")
    return msgspec.structs.replace(results, cases=with_remedy_results(results.cases, found))
