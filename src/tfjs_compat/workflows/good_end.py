"""The good end of an explanation, where none is named: the nearest trial that works."""

from __future__ import annotations

import contextlib
import datetime
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned, releases_of
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import TODAY
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.changes import change_cost
from tfjs_compat.search.culprit.releases import upload_day
from tfjs_compat.search.culprit.trials import Trials
from tfjs_compat.search.evaluator import engine_evaluator
from tfjs_compat.search.oracle import answer_of
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.search.try_remedies import try_remedies
from tfjs_compat.workflows.ends import plan_one

_DAYS_AFTER = (30, 1)
"""How long after TensorFlow and tensorflowjs the other packages are taken from: patches have come, the next break has
not."""


class Known(NamedTuple):
    """A result, and what gives its trial; that raises RequestError or MachineryError where it cannot be run again."""

    result: CaseResult
    planned: Callable[[], Planned]


def find_good_end(
    bad: Planned,
    failed: CaseResult,
    known: Sequence[Known],
    trials: Trials,
    engine: Engine,
    ended: Callable[[CaseResult], None],
) -> tuple[Planned, CaseResult] | None:
    """The nearest trial of the same model that works, with its result; None where none is known of.

    It is looked for among the ``known`` results, then with the packages of earlier dates, then by the remedies of the
    failure. Raises MachineryError, Interrupted.
    """
    for plan in (*_of_results(bad, known), *_of_dates(bad, engine)):
        end = plan()
        (result,) = trials.ask([end])
        if result is not None and answer_of(result) is Answer.YES:
            return end, result
    return _of_remedies(bad, failed, trials, engine, ended)


def _of_results(bad: Planned, known: Sequence[Known]) -> Iterator[Callable[[], Planned]]:
    """The nearest result that works, if it can be run again."""
    works = [
        (result, planned)
        for result, planned in known
        if result.model_digest == bad.case.model.digest and answer_of(result) is Answer.YES and result.lock is not None
    ]

    def distance(one: Known) -> tuple[int, str]:
        case = Case(one.result.combination, bad.case.model, find_route(one.result.route))
        return change_cost(bad.case, case), one.result.id

    for _, planned in sorted(itertools.starmap(Known, works), key=distance)[:1]:
        with contextlib.suppress(RequestError, MachineryError):
            planned()
            yield planned


def _of_dates(bad: Planned, engine: Engine) -> Iterator[Callable[[], Planned]]:
    """The same request with the packages as they were when its TensorFlow and tensorflowjs were new."""
    combination = bad.case.combination
    index = releases_of(("tensorflow", "tensorflowjs"), engine.context)
    days = [upload_day(getattr(combination, name), index[name]) for name in index]
    if None in days or not isinstance(bad.lock, Lock):
        return
    born = datetime.date.fromisoformat(max(filter(None, days)))
    latest = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    until = latest if combination.as_of == TODAY else combination.as_of
    for days_after in _DAYS_AFTER:
        day = (born + datetime.timedelta(days=days_after)).isoformat()
        if day < until:
            dated = msgspec.structs.replace(combination, as_of=day)
            yield functools.partial(plan_one, dated, bad, bad.case.route.name, engine.options.until, engine.context)


def _of_remedies(
    bad: Planned, failed: CaseResult, trials: Trials, engine: Engine, ended: Callable[[CaseResult], None]
) -> tuple[Planned, CaseResult] | None:
    interpreters = find_interpreters(engine.context.store)
    evaluator = engine_evaluator(
        engine, interpreters, process_env={bad.case.combination.process_env: bad.variables}, ended=ended
    )
    policy = ChangePolicy.of_index(releases_of(("tensorflow", "tensorflowjs"), engine.context), interpreters)
    found = try_remedies({failed.id: (bad.case, failed)}, policy, evaluator, lambda _: None)
    remedy = found.get(failed.id)
    trials.count += evaluator.trials
    if remedy is None or not remedy.works or remedy.combination is None or remedy.route is None:
        return None
    end = plan_one(remedy.combination, bad, remedy.route, engine.options.until, engine.context)
    (result,) = trials.ask([end])
    return (end, result) if result is not None and answer_of(result) is Answer.YES else None
