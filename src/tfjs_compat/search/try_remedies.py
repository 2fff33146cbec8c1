"""Which remedy makes a failing case work: its remedies run one after another, and what they uncover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tfjs_compat.matrix.cases import Case, requested_versions
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import RemedyResult
from tfjs_compat.search.best_first import BestFirst
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.endings import cause_of
from tfjs_compat.search.oracle import Evaluation, Oracle, evaluate_with_retry
from tfjs_compat.search.remedies import ChangePolicy, remedied_candidates

MOST_TRIALS = 16
"""How many changed cases one failing case is given, at most."""

_MOST_STEPS = 6


def try_remedies(
    failing: Mapping[str, tuple[Case, CaseResult]],
    policy: ChangePolicy,
    oracle: Oracle,
    say: Callable[[str], None],
    most_trials: int = MOST_TRIALS,
) -> dict[str, RemedyResult]:
    """What the remedies of each failing case (id → case and its result) came to.

    All cases go forward together, so that what they share is built and run once; a case is left alone when one of
    its remedies works, or after ``most_trials`` changed cases. A case that an interruption left undecided is not in the
    result. ``say`` takes a line on the progress.
    """
    searches = {id: _RemedySearch(case, result, policy, most_trials) for id, (case, result) in failing.items()}
    known: dict[Candidate, Evaluation] = {}
    while undecided := [search for search in searches.values() if not search.decided]:
        candidates = [candidate for search in undecided for candidate in search.batch() if candidate not in known]
        candidates = list(dict.fromkeys(candidates))
        decided = len(searches) - len(undecided)
        say(f"{len(undecided)} failing, {decided} settled: {len(candidates)} changed cases to run")
        found = evaluate_with_retry(oracle, [candidate.case for candidate in candidates]) if candidates else {}
        known.update({c: found[c.case.id] for c in candidates if c.case.id in found})
        for search in undecided:
            search.record(known)
        if any(candidate not in known for candidate in candidates):
            # It was interrupted.
            break
    return {id: search.result() for id, search in searches.items() if search.decided}


class _RemedySearch:
    """The search for the remedy of one failing case."""

    def __init__(self, case: Case, result: CaseResult, policy: ChangePolicy, most_trials: int) -> None:
        self._policy, self._most_trials, self._evaluated = policy, most_trials, list[Evaluation]()
        resolved = result.resolved or requested_versions(case)
        self._search: BestFirst[Candidate, Evaluation] = BestFirst(
            self._remedied(Candidate(case), result, resolved),
            rank=_rank,
            grow=self._grow,
            answer=lambda evaluation: evaluation.answer,
        )

    @property
    def decided(self) -> bool:
        """Whether nothing is left to evaluate, or no more may be."""
        return len(self._evaluated) >= self._most_trials or not self._search.next_batch()

    def batch(self) -> tuple[Candidate, ...]:
        return self._search.next_batch()

    def record(self, known: Mapping[Candidate, Evaluation]) -> None:
        """Take the evaluations of this search's batch, as far as there are any."""
        for candidate in self._search.next_batch():
            if candidate in known:
                self._evaluated.append(known[candidate])
                self._search.record(candidate, known[candidate])

    def result(self) -> RemedyResult:
        best = self._search.best()
        trials = sum(evaluation.tried for evaluation in self._evaluated)
        unknown = len(best.unknown) + len(best.open)
        message = f"no more than {self._most_trials} changed cases are run for one failing case" if best.open else ""
        if best.unknown:
            message = best.unknown[0][1].result.message
        if best.found is None:
            return RemedyResult(works=False, trials=trials, unknown=unknown, message=message)
        candidate, evaluation = best.found
        found = evaluation.result
        return RemedyResult(
            works=True,
            trials=trials,
            steps=candidate.steps,
            case=found.id,
            combination=found.combination,
            route=found.route,
            keras_in_use=found.keras_in_use,
            max_abs=found.parity.max_abs if found.parity is not None else None,
            unknown=unknown,
            message=message,
        )

    def _grow(self, candidate: Candidate, evaluation: Evaluation) -> Sequence[Candidate]:
        result, lock = evaluation.result, evaluation.lock
        if len(candidate.steps) >= _MOST_STEPS or candidate.changed_nothing(cause_of(result)):
            return ()
        resolved = lock.packages if lock is not None else requested_versions(candidate.case)
        return self._remedied(candidate, result, resolved)

    def _remedied(self, candidate: Candidate, failed: CaseResult, resolved: Mapping[str, str]) -> Sequence[Candidate]:
        found = remedied_candidates(candidate, failed, resolved, self._policy)
        return [msgspec.structs.replace(grown, remedied=cause_of(failed)) for grown in found]


def _rank(candidate: Candidate) -> tuple[Any, ...]:
    return (candidate.cost, candidate.order, candidate.case.id)


def may_need_remedy(result: CaseResult) -> bool:
    """Whether a result is one that a remedy may better: it failed, or predicted something else."""
    return result.verdict in (Verdict.FAILS, Verdict.MISMATCH)


def with_remedy_results(
    cases: Sequence[CaseResult], remedy_results: Mapping[str, RemedyResult]
) -> tuple[CaseResult, ...]:
    """The results with what their remedies came to."""
    return tuple(
        msgspec.structs.replace(case, cure=remedy_results[case.id]) if case.id in remedy_results else case
        for case in cases
    )
