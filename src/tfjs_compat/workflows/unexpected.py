"""Explain what failed unexpectedly in a run, once for each distinct cause."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping, Sequence

import msgspec

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.run import journalled
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.handover.explained import explanation_text
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.search.culprit.question import Ending
from tfjs_compat.search.culprit.trials import engine_trials
from tfjs_compat.workflows.culprit_search import WORK, explained
from tfjs_compat.workflows.good_end import Known


def with_explanations(results: Results, plan: Plan, engine: Engine) -> Results:
    """The results; those that failed unexpectedly with the ``explanation`` of their cause.

    The good end is looked for among the results first. When the engine is stopped, the causes that are left stay as
    they are, and so does one on which the machinery fails. Trials are in OUTPUT/explain/.
    """
    planned = {one.case.id: one for one in plan.cases}
    known = [Known(result, functools.partial(planned.__getitem__, result.id)) for result in results.cases]
    inner = dataclasses.replace(engine, output=engine.output / WORK)
    texts: dict[str, str] = {}
    for cases in _causes(results):
        if engine.context.stop.is_set():
            break
        if text := explanation_of(planned[cases[0].id], cases[0], None, known, inner):
            texts.update(dict.fromkeys((case.id for case in cases), text))
    return with_texts(results, texts)


def with_texts(results: Results, texts: Mapping[str, str]) -> Results:
    """The results with the explanations that are given by case id."""
    changed = tuple(
        msgspec.structs.replace(case, explanation=texts[case.id]) if case.id in texts else case
        for case in results.cases
    )
    return msgspec.structs.replace(results, cases=changed)


def _causes(results: Results) -> list[list[CaseResult]]:
    """The cases that failed unexpectedly, by cause, in the order of the results."""
    groups: list[list[CaseResult]] = []
    for case in results.cases:
        if case.as_expected or case.verdict not in (Verdict.FAILS, Verdict.MISMATCH):
            continue
        same = (group for group in groups if Ending.of(group[0]).same_as(Ending.of(case)))
        if (group := next(same, None)) is not None:
            group.append(case)
        else:
            groups.append([case])
    return groups


def explanation_of(
    bad: Planned, result: CaseResult, good: Planned | None, known: Sequence[Known], engine: Engine
) -> str:
    """The text of the explanation of a result against ``good``, or against the nearest that works.

    Empty where no culprit was found, the machinery kept it from one, or the time was up.
    """
    what, progress = f"explaining {Ending.of(result).name[:80]}", engine.context.progress
    progress.begin(what)
    said = "no culprit was found"
    started = time.monotonic()
    try:
        with journalled(WORK, engine) as journal, engine_trials(engine, journal.append) as trials:
            found = explained(bad, result, good, known, engine, trials, journal.append)
            seconds = round(time.monotonic() - started, 3)
            found = msgspec.structs.replace(found, trials=trials.count, kept=trials.kept, seconds=seconds)
        text = explanation_text(found)
        said = text.partition("\n")[0]
        return text if found.found else ""
    except (MachineryError, Interrupted) as error:
        said = f"it could not be explained: {error}"
        return ""
    finally:
        progress.end(what, said)
