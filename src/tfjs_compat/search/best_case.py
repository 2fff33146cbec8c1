"""The loop of ``find``: a pure search proposes cases, an oracle runs them, until the best case that works is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from tfjs_compat.matrix.cases import requested_versions
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import Step
from tfjs_compat.search.best_first import Best, BestFirst
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.search.endings import cause_of
from tfjs_compat.search.narrowing import Narrowed, Narrowing
from tfjs_compat.search.oracle import Evaluation, Oracle, evaluate_with_retry
from tfjs_compat.search.preference import ranking
from tfjs_compat.search.remedies import other_patches, remedied_candidates
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints

INTERRUPTED = "when it was interrupted"
_MOST_STEPS = 8
_AT_ONCE = 4


class CountingOracle(Oracle, Protocol):
    """An oracle that counts the cases that it ran and that answered."""

    @property
    def trials(self) -> int:
        """How many so far."""


class Tried(msgspec.Struct, frozen=True):
    """A case that was looked at: the remedies that led to it, and what it came to; ``tried``: it was run."""

    steps: tuple[Step, ...]
    case: CaseResult
    tried: bool


class Searched(NamedTuple):
    """What a search came to.

    ``best``: the best candidate that works, those that rank before it and could not be evaluated, and those whose turn
    did not come. ``tried``: every case that was looked at, in order. ``ended``: why it stopped before its end, else
    None. ``narrowed``: why it did not look at all versions.
    """

    best: Best[Candidate, Evaluation]
    tried: tuple[Tried, ...]
    ended: str | None
    narrowed: Narrowed = Narrowed()


def find_best_case(
    request: SearchRequest, points: StartingPoints, oracle: CountingOracle, deadline: Deadline, jobs: int = 1
) -> Searched:
    """Search until the best case that works is known, nothing is left, or a limit is reached.

    The answer does not depend on ``jobs``, which is how many cases the oracle runs at once. Raises MachineryError.
    """
    rank = ranking(request.prefer, points.installed.versions)
    roots = [Candidate(case) for case in points.roots]
    narrowing = None if request.exhaustive else Narrowing(points.roots, min(roots, key=rank).case)
    search = BestFirst(
        roots,
        rank=rank,
        grow=_growing(request, points),
        answer=lambda evaluation: evaluation.answer,
        # One after the other where they are counted: which ones are run must not depend on the number of jobs.
        at_once=min(jobs, _AT_ONCE) if request.max_trials is None else 1,
        exhaustive=request.exhaustive,
        # One process of an environment runs one case after another.
        alone=None if request.exhaustive else lambda candidate: candidate.case.combination,
        hopeless=narrowing.is_hopeless if narrowing is not None else lambda _: False,
    )
    tried: list[Tried] = []
    ended: str | None = None
    while batch := _next_batch(search, narrowing):
        if (ended := _limit_reached(request, oracle, deadline)) is not None:
            break
        found = evaluate_with_retry(oracle, [candidate.case for candidate in batch])
        # What of the batch had ended when it was stopped is an answer too.
        for candidate in (candidate for candidate in batch if candidate.case.id in found):
            evaluation = found[candidate.case.id]
            tried.append(Tried(candidate.steps, evaluation.result, evaluation.tried))
            search.record(candidate, evaluation)
            if narrowing is not None:
                narrowing.record(candidate, evaluation)
        missing = any(candidate.case.id not in found for candidate in batch)
        if missing and (deadline.passed or deadline.stop.is_set() or not found):
            ended = _time(request) if deadline.passed else INTERRUPTED
            break
    return Searched(search.best(), tuple(tried), ended, narrowing.narrowed if narrowing is not None else Narrowed())


def _next_batch(search: BestFirst[Candidate, Evaluation], narrowing: Narrowing | None) -> tuple[Candidate, ...]:
    if narrowing is None:
        return search.next_batch()
    while not (batch := search.next_batch(narrowing.is_now)) and narrowing.next_group():
        pass
    return batch


def _growing(request: SearchRequest, points: StartingPoints) -> Callable[[Candidate, Evaluation], Sequence[Candidate]]:
    """What may work where a candidate does not: its remedies, and other patches where it has no lock."""

    def grow(candidate: Candidate, evaluation: Evaluation) -> Sequence[Candidate]:
        result = evaluation.result
        in_vain = not request.exhaustive and candidate.changed_nothing(cause_of(result))
        if len(candidate.steps) >= _MOST_STEPS or in_vain:
            return []
        lock = evaluation.lock
        resolved = lock.packages if lock is not None else requested_versions(candidate.case)
        found = list(remedied_candidates(candidate, result, resolved, points.policy))
        if result.stage is Stage.RESOLVE:
            found += other_patches(candidate, result.issue or "", points.policy)
        return [msgspec.structs.replace(grown, remedied=cause_of(result)) for grown in found]

    return grow


def _limit_reached(request: SearchRequest, oracle: CountingOracle, deadline: Deadline) -> str | None:
    if request.max_trials is not None and oracle.trials >= request.max_trials:
        return f"after {oracle.trials} trial{'s' * (oracle.trials > 1)} (--max-trials)"
    if deadline.passed:
        return _time(request)
    return INTERRUPTED if deadline.stop.is_set() else None


def _time(request: SearchRequest) -> str:
    return f"after {request.seconds or 0:g} s (--time)"
