"""Find versions, remedies and a route with which a model works: wish → the best verified way, or why there is none."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.engine.context import settings_of
from tfjs_compat.engine.executor import threads
from tfjs_compat.engine.gather import gather
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.plan import expand_from_index
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.handover.recipe import Recipe, write_recipe
from tfjs_compat.index.interpreters import Interpreter, find_interpreters
from tfjs_compat.index.releases import fetch_releases
from tfjs_compat.matrix.cases import Case, requested_versions
from tfjs_compat.matrix.expansion import LeftOut
from tfjs_compat.matrix.process_env import process_variables
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.cures import Step
from tfjs_compat.search.best_first import best_first
from tfjs_compat.search.candidates import Trial
from tfjs_compat.search.evaluator import Answer, CaseEvaluator
from tfjs_compat.search.preference import ranking
from tfjs_compat.search.remedies import other_patches, remedied_candidates
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints, plan_search
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import remove_tree, write_whole
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime

_MOST_STEPS = 8
_AT_ONCE = 4
_INTERRUPTED = "when it was interrupted"


class Tried(msgspec.Struct, frozen=True):
    """A case that was looked at: the remedies that led to it, and what it came to; ``tried``: it was run."""

    steps: tuple[Step, ...]
    case: CaseResult
    tried: bool


class Found(msgspec.Struct, frozen=True):
    """What a search came to.

    ``recipe``, ``case`` and ``steps`` are those of the best case that works. ``trials`` were run (``kept`` of them by
    an earlier run), ``ruled_out`` were not: no lock, or a lock whose versions tell the end. ``ended``: why the search
    stopped before its end, else None. ``limits`` says what it ranged over, ``left_out`` what it did not look at.
    """

    found: bool
    recipe: Recipe | None
    case: CaseResult | None
    steps: tuple[Step, ...]
    trials: int
    kept: int
    ruled_out: int
    seconds: float
    limits: str
    ended: str | None
    left_out: tuple[LeftOut, ...]
    tried: tuple[Tried, ...]

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self.ended == _INTERRUPTED

    def failures(self) -> list[CaseResult]:
        """The results of what does not work, in the order in which they were found."""
        return [one.case for one in self.tried if one.case.id != (self.case.id if self.case else None)]


class _Halt(threading.Event):
    """Set when the user's event is, and when the time is up: then also what is being built or run has to end."""

    def __init__(self, asked: threading.Event, ends: float) -> None:
        super().__init__()
        self._asked, self._ends = asked, ends

    @property
    def late(self) -> bool:
        """Whether the time is up, and nobody asked to stop."""
        return time.monotonic() > self._ends and not self._asked.is_set()

    def is_set(self) -> bool:
        """Whether to stop, for either reason."""
        return super().is_set() or self._asked.is_set() or time.monotonic() > self._ends


def find(wish: SearchRequest, progress: Progress | None = None, stop: threading.Event | None = None) -> Found:
    """Search until the best case that works is known, or nothing is left. Writes OUTPUT/recipe/.

    Raises RequestError, and MachineryError where the machine kept it from an answer. When ``stop`` is set, or at the
    wish's own limits, the best answer so far is given.
    """
    told, halt, started = progress or Silent(), stop or threading.Event(), time.monotonic()
    how, output = wish.how, wish.how.output.absolute()
    if how.inputs is not None and not how.inputs.is_file():
        raise RequestError(f"--inputs: there is no file {how.inputs}")
    with lock_output(output), threads(how) as (executor, jobs):
        if wish.until.rank > Stage.CONVERT.rank:
            TfjsRuntime(Context(how.store), how.runtime, how.node).require()
        found = find_interpreters(how.store)
        packages = ("tensorflow", "tensorflowjs")
        fetched = gather(executor, lambda name: fetch_releases(str(name), how.store), packages, halt)
        ground = plan_search(
            wish, dict(zip(packages, fetched, strict=True)), found, lambda m: _expanded(m, wish, found, halt)
        )
        limited = _Halt(halt, started + wish.seconds if wish.seconds is not None else math.inf)
        laboratory = CaseEvaluator(
            settings_of(how, wish.until, Matrix().limits, jobs, told, limited),
            output,
            executor,
            jobs,
            found,
            prune=not wish.exhaustive,
            preferences=ground.baseline.pins() if wish.prefer == "nearest" else (),
        )
        best, tried, ended = _search(wish, ground, laboratory, limited, _at_once(wish, jobs))
    if best is None and laboratory.faults:
        raise MachineryError(laboratory.faults[0])
    recipe = _recipe(*best) if best is not None else None
    if recipe is not None or not halt.is_set():
        # That of an earlier search would look like the answer of this one.
        remove_tree(output / "recipe")
    if recipe is not None:
        for name, content in recipe.files.items():
            write_whole(output / "recipe" / name, content)
    return Found(
        found=best is not None,
        recipe=recipe,
        case=best[1].result if best is not None else None,
        steps=best[0].steps if best is not None else (),
        trials=laboratory.trials,
        kept=laboratory.kept,
        ruled_out=laboratory.ruled_out,
        seconds=round(time.monotonic() - started, 3),
        limits=ground.limits,
        ended=ended,
        left_out=ground.left_out,
        tried=tuple(tried),
    )


def _at_once(wish: SearchRequest, jobs: int) -> int:
    """How many cases are asked about together. One after the other where they are counted: which ones are run must not
    depend on the number of jobs."""
    return min(jobs, _AT_ONCE) if wish.max_trials is None else 1


def _search(
    wish: SearchRequest, ground: StartingPoints, laboratory: CaseEvaluator, halt: _Halt, at_once: int
) -> tuple[tuple[Trial, Answer] | None, list[Tried], str | None]:
    """Drive the pure search with the laboratory: the best trial, all that was tried, and why it ended early."""
    late = f"after {wish.seconds or 0:g} s (--time)"

    def grow(trial: Trial, answer: Answer) -> list[Trial]:
        signature = answer.result.signature
        if len(trial.steps) >= _MOST_STEPS or (not wish.exhaustive and trial.changed_nothing(signature)):
            return []
        resolved = answer.lock.packages if answer.lock is not None else requested_versions(trial.case)
        found = list(remedied_candidates(trial, answer.result, resolved, ground.world))
        if answer.result.stage is Stage.RESOLVE:
            found += other_patches(trial, answer.result.issue or "", ground.world)
        return [msgspec.structs.replace(one, after=signature) for one in found]

    rank = ranking(wish.prefer, ground.baseline.versions)
    roots = [Trial(case) for case in ground.roots]
    core = best_first(
        roots, rank=rank, grow=grow, works=lambda answer: answer.works, at_once=at_once, exhaustive=wish.exhaustive
    )
    best: tuple[Trial, Answer] | None = None
    tried: list[Tried] = []
    batch: tuple[Trial, ...] = ()

    def note(asked: Sequence[Trial]) -> None:
        nonlocal best
        for trial in asked:
            if (answer := laboratory.answers.get(trial.case.id)) is not None:
                tried.append(Tried(trial.steps, answer.result, answer.tried))
                if answer.works and (best is None or rank(trial) < rank(best[0])):
                    best = (trial, answer)

    try:
        batch = next(core)
        while True:
            if wish.max_trials is not None and laboratory.trials >= wish.max_trials:
                return best, tried, f"after {laboratory.trials} trial{'s' * (laboratory.trials > 1)} (--max-trials)"
            if halt.late:
                return best, tried, late
            answers = laboratory.ask([trial.case for trial in batch])
            note(batch)
            batch = core.send(answers)
    except StopIteration as end:
        return end.value, tried, None
    except (Interrupted, KeyboardInterrupt):
        # What of the batch had ended is an answer too.
        note(batch)
        return best, tried, late if halt.late else _INTERRUPTED


def _recipe(trial: Trial, answer: Answer) -> Recipe | None:
    if answer.lock is None:
        return None
    variables = process_variables(trial.case.combination.process_env, {})
    return write_recipe(trial.case, answer.lock, variables, answer.result.keras_in_use)


def _expanded(
    matrix: Matrix, wish: SearchRequest, found: Sequence[Interpreter], stop: threading.Event
) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    with threads(wish.how) as (executor, _):
        bases = {wish.model: Path.cwd()}
        expansion = expand_from_index(matrix, bases, found, wish.how.store, executor, (), stop)
        return expansion.cases, expansion.left_out
