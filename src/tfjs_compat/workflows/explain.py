"""Explain a failing case: run both ends, find the smallest change that turns the outcome, narrow it to two releases."""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.grants import granted
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.explained import explanation_text
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.files import RESULTS
from tfjs_compat.results.plan_file import PLAN
from tfjs_compat.results.selection import find_case
from tfjs_compat.search.culprit.explanation import Explanation
from tfjs_compat.system.progress import Progress
from tfjs_compat.workflows.culprit_search import WORK, explained
from tfjs_compat.workflows.culprit_trials import identity_of, journalled_trials, limited_engine
from tfjs_compat.workflows.ends import changed_end, end_of_result, is_change, plan_of_options
from tfjs_compat.workflows.good_end import Known
from tfjs_compat.workflows.report import results_of


@dataclass(frozen=True)
class ExplainRequest:
    """What to explain.

    ``case`` names the bad end among the results in the output folder; None: it is what ``run_options`` means, one case.
    ``good`` names the good end: a case of the same results, or changes to the bad end (``KEY=VALUE``); empty: the
    nearest that works is looked for. ``seconds`` is the most that it may take, ``max_trials`` how many cases may run.
    """

    case: str | None = None
    good: tuple[str, ...] = ()
    seconds: float | None = None
    max_trials: int | None = None
    run_options: RunRequest = field(default_factory=RunRequest)


def explain(
    request: ExplainRequest, progress: Progress | None = None, stop: threading.Event | None = None
) -> Explanation:
    """The culprit of a failing case, or why there is none to name.

    Writes OUTPUT/explain/ as it goes, and takes over what an interrupted call of the same request left there. Raises
    RequestError; MachineryError where the machine kept an end from being run.
    """
    started, options = time.monotonic(), request.run_options
    results = _results(request)
    until = options.until or (results[0].until if results is not None and request.case is not None else Stage.PREDICT)
    permissions = Permissions()
    if results is not None and request.case is not None:
        permissions = granted(results[0].permissions, results[1], options.permissions(), options.store)
    with limited_engine(
        options,
        WORK,
        until,
        permissions=permissions,
        seconds=request.seconds,
        progress=progress,
        stop=stop,
    ) as limited:
        engine = limited.engine
        bad, claimed = _bad_end(request, results, engine)
        identity = identity_of(bad, options, *request.good)
        with journalled_trials(engine, WORK, identity, request.max_trials) as (trials, journal):
            named = _named_good(request, bad, results, engine)
            known = _known(results, engine)
            found = explained(bad, claimed, named, known, engine, trials, journal)
            found = msgspec.structs.replace(found, trials=trials.count, kept=trials.kept)
        ended = limited.ended
        if ended is None and trials.exhausted and not found.found:
            ended = f"after {trials.count} trials (--max-trials)"
    found = msgspec.structs.replace(found, ended=ended, seconds=round(time.monotonic() - started, 3))
    return msgspec.structs.replace(found, text=explanation_text(found))


def _results(request: ExplainRequest) -> tuple[Results, Path] | None:
    """The results in the output folder, which the case is one of; None where there are none and none are needed."""
    folder = request.run_options.output
    needed = request.case is not None or any(not is_change(text) for text in request.good)
    if not needed and not any((folder / name).is_file() for name in (RESULTS, PLAN)):
        return None
    return results_of(folder, request.run_options.store)


def _bad_end(
    request: ExplainRequest, results: tuple[Results, Path] | None, engine: Engine
) -> tuple[Planned, CaseResult | None]:
    """The bad end, and what the last run found of it."""
    if request.case is not None:
        assert results is not None
        found = find_case(results[0], request.case)
        return end_of_result(found, results[1], engine.context), found
    return plan_of_options(request.run_options, engine), None


def _known(results: tuple[Results, Path] | None, engine: Engine) -> list[Known]:
    if results is None:
        return []
    found, output = results
    return [Known(result, functools.partial(end_of_result, result, output, engine.context)) for result in found.cases]


def _named_good(
    request: ExplainRequest, bad: Planned, results: tuple[Results, Path] | None, engine: Engine
) -> Planned | None:
    if not request.good:
        return None
    changes = [text for text in request.good if is_change(text)]
    if len(changes) == len(request.good):
        return changed_end(bad, changes, engine.options.until, engine.context)
    if len(request.good) > 1:
        raise RequestError("--good: give one case, or changes KEY=VALUE to the bad end")
    assert results is not None
    found = find_case(results[0], request.good[0])
    if found.model_digest != bad.case.model.digest:
        raise RequestError(f"--good {request.good[0]}: a case of another model; the two ends have one model")
    return end_of_result(found, results[1], engine.context)
