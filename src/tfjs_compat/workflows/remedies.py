"""Run the remedies of failing cases, and join what they came to with the results."""

from __future__ import annotations

import msgspec

from tfjs_compat.engine.plan import Plan, releases_of
from tfjs_compat.engine.run import Engine
from tfjs_compat.index.interpreters import find_interpreters
from tfjs_compat.results.case_result import Results
from tfjs_compat.search import cures
from tfjs_compat.search.evaluator import CaseEvaluator
from tfjs_compat.search.remedies import ChangePolicy


def with_remedies(results: Results, plan: Plan, engine: Engine) -> Results:
    """The results with what the remedies of each failing case came to. Raises MachineryError."""
    progress, matrix = engine.context.progress, plan.matrix
    interpreters = find_interpreters(engine.context.store)
    evaluator = CaseEvaluator(
        engine, interpreters, process_env=matrix.process_env, source_builds=matrix.requirements.source_builds
    )
    policy = ChangePolicy.of_index(releases_of(("tensorflow", "tensorflowjs"), engine.context), interpreters)
    cases = {planned.case.id: planned.case for planned in plan.cases}
    failing = {result.id: (cases[result.id], result) for result in results.cases if cures.may_need_remedy(result)}
    what = "remedies"
    progress.begin(what)
    found = cures.try_remedies_of(failing, policy, evaluator, lambda text: progress.say(what, text))
    works = sum(result.works for result in found.values())
    progress.end(what, f"{works} of {len(failing)} failing cases have one that works")
    return msgspec.structs.replace(results, cases=cures.cured(results.cases, found))
