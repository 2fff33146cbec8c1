"""Find the versions, remedies and route with which a model works: request → best verified case, or why none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec

from tfjs_compat.engine.engine import Engine, make_engine
from tfjs_compat.engine.executor import open_executor
from tfjs_compat.engine.options import context_of
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.plan import expand_from_index, releases_of
from tfjs_compat.engine.run import journalled
from tfjs_compat.errors import MachineryError
from tfjs_compat.handover.recipe import Recipe, example_sources, rewrite_sources, write_recipe
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import LeftOut
from tfjs_compat.matrix.models import find_model
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import Step
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.best_case import INTERRUPTED, Searched, Tried, find_best_case
from tfjs_compat.search.best_first import Best
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.search.endings import with_what_stays_first
from tfjs_compat.search.evaluator import CaseEvaluator, engine_evaluator
from tfjs_compat.search.narrowing import Narrowed
from tfjs_compat.search.oracle import Evaluation
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints, plan_search
from tfjs_compat.system.capacity import default_jobs
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import remove_tree, write_whole
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.warm_pool import WarmPool, open_warm_pool
from tfjs_compat.workflows.inputs import require_inputs

WORK = "find"
"""The folder of a search in the output folder: its trials and their journal."""

UNBUILT = "at the way that worked before: the model cannot be built by it any more"

_NAMED = 6
"""How many cases a line on what could not be tried names."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a search.

    ``recipe``, ``case`` and ``steps`` are those of the best case that works. ``best``: nothing that is preferred to it
    is unanswered; ``unknown`` are the cases that are preferred (all, where none works) and that the machinery failed
    on. ``trials`` were run (``kept`` of them by an earlier run), ``ruled_out`` were not: no lock, or a lock whose
    versions decide the end. ``seconds``: wall time. ``ended``: why the search stopped before its end, else None.
    ``limits`` says what it ranged over, ``left_out`` what it did not look at, ``tried`` all that it did, ``narrowed``
    why that was not everything.
    """

    found: bool
    recipe: Recipe | None = None
    case: CaseResult | None = None
    steps: tuple[Step, ...] = ()
    best: bool = False
    unknown: tuple[CaseResult, ...] = ()
    trials: int = 0
    kept: int = 0
    ruled_out: int = 0
    seconds: float = 0.0
    limits: str = ""
    ended: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    tried: tuple[Tried, ...] = ()
    narrowed: Narrowed = Narrowed()

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self.ended == INTERRUPTED

    def failures(self) -> list[CaseResult]:
        """The results of what does not work, in the order in which they were found, led by what is left to cure."""
        return [
            with_what_stays_first(tried.case)
            for tried in self.tried
            if tried.case.id != (self.case.id if self.case else None)
        ]


Finder = Callable[[SearchRequest, "Progress | None", "threading.Event | None"], Found]
"""``find``, or what a test puts in its place."""


def find(
    request: SearchRequest,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    *,
    warm: WarmPool | None = None,
    last: Found | None = None,
) -> Found:
    """Search until the best case that works is known, or nothing is left. Writes OUTPUT/recipe/.

    When ``stop`` is set, or at the request's own limits, the best answer so far is given. ``warm``: what stays ready
    for the next search of the same command. ``last``: what that command found before the model changed; where its way
    works again, or cannot build the model any more, no other is looked for. Raises RequestError, and MachineryError
    where nothing was found and the machinery kept it from an answer.
    """
    started, options = time.monotonic(), request.run_options
    output, context = options.output.absolute(), Context(options.store, stop or threading.Event(), progress or Silent())
    require_inputs(options.inputs)
    jobs = options.jobs or default_jobs()
    if request.until.rank > Stage.CONVERT.rank:
        TfjsRuntime(context, options.runtime, options.node).require()
    with (
        lock_output(output),
        open_executor(options.executor, jobs, options.store) as opened,
        nullcontext(warm) if warm is not None else open_warm_pool(options.store, output) as servers,
    ):
        interpreters = find_interpreters(options.store)
        points = _starting_points(request, interpreters, context)
        ends = started + request.seconds if request.seconds is not None else None
        with Deadline(context.stop, ends) as deadline:
            limited = context_of(options, Matrix().limits, jobs, context.progress, deadline.stop)
            engine = make_engine(options, request.until, limited, output / WORK, opened, warm=servers)
            with journalled("find", engine) as journal:
                evaluator = _evaluator(request, points, interpreters, engine, journal.append)
                searched = _same_way(request, last, evaluator) or find_best_case(
                    request, points, evaluator, deadline, jobs
                )
    require_answer(searched)
    recipe = _recipe(*searched.best.found) if searched.best.found is not None else None
    _write_recipe(recipe, output / "recipe", interrupted=searched.ended == INTERRUPTED)
    return _found(searched, recipe, points, evaluator, seconds=round(time.monotonic() - started, 3))


def _same_way(request: SearchRequest, last: Found | None, evaluator: CaseEvaluator) -> Searched | None:
    """What the way that was found before comes to with the model as it is now; None where another is to be looked for.

    A model that it cannot even build is said to be so: it was just edited, and no other version will mend that.
    """
    if last is None or last.case is None:
        return None
    case = Case(last.case.combination, find_model(request.model, Path.cwd()), find_route(last.case.route))
    evaluation = evaluator.evaluate([case]).get(case.id)
    if evaluation is None:
        return None
    tried = Tried(last.steps, evaluation.result, evaluation.tried)
    if evaluation.answer is Answer.YES:
        return Searched(Best((Candidate(case, last.steps), evaluation), (), ()), (tried,), None)
    if evaluation.answer is Answer.NO and evaluation.result.stage is Stage.BUILD:
        return Searched(Best(None, (), ()), (tried,), UNBUILT)
    return None


def _starting_points(request: SearchRequest, interpreters: Sequence[Interpreter], context: Context) -> StartingPoints:
    def expand(matrix: Matrix) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
        expansion = expand_from_index(matrix, {request.model: Path.cwd()}, interpreters, context)
        return expansion.cases, expansion.left_out

    releases = releases_of(("tensorflow", "tensorflowjs"), context)
    return plan_search(request, releases, interpreters, expand)


def _evaluator(
    request: SearchRequest,
    points: StartingPoints,
    interpreters: Sequence[Interpreter],
    engine: Engine,
    ended: Callable[[CaseResult], None],
) -> CaseEvaluator:
    return engine_evaluator(
        engine,
        interpreters,
        prune=not request.exhaustive,
        preferences=points.installed.pins() if request.prefer == "nearest" else (),
        one_suffices=not request.exhaustive,
        ended=ended,
    )


def require_answer(searched: Searched) -> None:
    """Raise MachineryError where a search found nothing and the machinery kept some cases from an answer.

    The message names them, by reason. Nothing is raised where the user stopped the search.
    """
    unknown = [evaluation.result for _, evaluation in searched.best.unknown]
    if searched.best.found is None and unknown and searched.ended != INTERRUPTED:
        lines = "\n".join(could_not_be_tried(unknown))
        raise MachineryError(
            f"nothing that works was found, and not all could be tried:\n{lines}\n"
            "hint: run the same command again; what has an answer is not run twice"
        )


def could_not_be_tried(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    """A line for each distinct reason why cases could not be tried, with the first of those cases."""
    by_reason: dict[str, dict[str, None]] = {}
    for case in cases:
        versions = f"TensorFlow {case.combination.tensorflow}, tensorflowjs {case.combination.tensorflowjs}"
        by_reason.setdefault(case.message, {})[f"{versions}, route {case.route}"] = None
    lines = []
    for reason, names in by_reason.items():
        more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        lines.append(f"{'; '.join(list(names)[:_NAMED])}{more} could not be tried: {reason}")
    return tuple(lines)


def _recipe(candidate: Candidate, evaluation: Evaluation) -> Recipe:
    assert evaluation.lock is not None, "what works was run in an environment"
    variables = process_variables(candidate.case.combination.process_env, {})
    case, keras = candidate.case, evaluation.result.keras_in_use
    sources = {**example_sources(case.model), **rewrite_sources(case.route)}
    return write_recipe(case, evaluation.lock, variables, keras, sources, evaluation.result.reference)


def _write_recipe(recipe: Recipe | None, folder: Path, *, interrupted: bool) -> None:
    if recipe is not None or not interrupted:
        # That of an earlier search would look like the answer of this one.
        remove_tree(folder)
    for name, content in (recipe.files if recipe is not None else {}).items():
        write_whole(folder / name, content)


def _found(
    searched: Searched, recipe: Recipe | None, points: StartingPoints, evaluator: CaseEvaluator, *, seconds: float
) -> Found:
    best = searched.best
    return Found(
        found=best.found is not None,
        recipe=recipe,
        case=_from_output(best.found[1].result) if best.found is not None else None,
        steps=best.found[0].steps if best.found is not None else (),
        best=best.found is not None and not best.unknown and not best.open,
        unknown=tuple(_from_output(evaluation.result) for _, evaluation in best.unknown),
        trials=evaluator.trials,
        kept=evaluator.kept,
        ruled_out=evaluator.ruled_out,
        seconds=seconds,
        limits=points.limits,
        ended=searched.ended,
        left_out=points.left_out,
        tried=tuple(msgspec.structs.replace(tried, case=_from_output(tried.case)) for tried in searched.tried),
        narrowed=Narrowed(
            tuple(with_what_stays_first(_from_output(case)) for case in searched.narrowed.decisive),
            tuple((_from_output(newer), _from_output(older)) for newer, older in searched.narrowed.alike),
        ),
    )


def _from_output(result: CaseResult) -> CaseResult:
    """A result of the search's own folder as the output folder sees it."""
    return msgspec.structs.replace(result, log=f"{WORK}/{result.log}") if result.log is not None else result
