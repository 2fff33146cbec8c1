"""Which remedy cures a failing case: its remedies run one after another, and what they uncover, until one works."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import msgspec

from tfjs_compat.errors import Interrupted
from tfjs_compat.matrix.cases import Case, requested_versions
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.cures import RemedyResult
from tfjs_compat.search.best_first import best_first
from tfjs_compat.search.candidates import Trial
from tfjs_compat.search.evaluator import Answer, Oracle
from tfjs_compat.search.remedies import ChangePolicy, remedied_candidates

MOST_TRIALS = 16
"""How many changed cases one failing case is given, at most."""

_MOST_STEPS = 6
_Search = Generator[tuple[Trial, ...], Sequence[Answer], tuple[Trial, Answer] | None]


def try_remedies_of(
    failing: Mapping[str, tuple[Case, CaseResult]],
    world: ChangePolicy,
    laboratory: Oracle,
    say: Callable[[str], None],
) -> dict[str, RemedyResult]:
    """The cure of each failing case (id → case and its result), or what was tried in vain.

    All cases go forward together, so that what they share is built and run once; a case is not asked about any more
    when it has a cure. What was found before an interruption counts.
    """
    searches = {id: _search(case, result, world) for id, (case, result) in failing.items()}
    asked: dict[str, list[tuple[Trial, Answer]]] = {id: [] for id in searches}
    cures: dict[str, RemedyResult] = {}
    waiting: dict[str, tuple[Trial, ...]] = {}
    known: dict[Trial, Answer] = {}

    def forward(id: str, answers: Sequence[Answer] | None) -> None:
        try:
            waiting[id] = searches[id].send(answers) if answers is not None else next(searches[id])
        except StopIteration as end:
            waiting.pop(id, None)
            cures[id] = _cure(end.value, asked[id])
        else:
            if len(asked[id]) >= MOST_TRIALS:
                waiting.pop(id)
                cures[id] = _cure(None, asked[id])

    for id in searches:
        forward(id, None)
    while waiting:
        trials = list(dict.fromkeys(one for batch in waiting.values() for one in batch if one not in known))
        say(f"{len(waiting)} failing, {len(cures)} settled: {len(trials)} changed cases to run")
        try:
            known.update(zip(trials, laboratory.ask([trial.case for trial in trials]), strict=True))
        except (Interrupted, KeyboardInterrupt):
            break
        for id, batch in list(waiting.items()):
            told = [known[trial] for trial in batch]
            asked[id] += zip(batch, told, strict=True)
            forward(id, told)
    return cures


def _search(case: Case, result: CaseResult, world: ChangePolicy) -> _Search:
    def grow(trial: Trial, answer: Answer) -> list[Trial]:
        signature = answer.result.signature
        if len(trial.steps) >= _MOST_STEPS or trial.changed_nothing(signature):
            return []
        packages = answer.lock.packages if answer.lock is not None else requested_versions(trial.case)
        found = remedied_candidates(trial, answer.result, packages, world)
        return [msgspec.structs.replace(one, after=signature) for one in found]

    resolved = result.resolved or requested_versions(case)
    roots = [
        msgspec.structs.replace(one, after=result.signature)
        for one in remedied_candidates(Trial(case), result, resolved, world)
    ]
    return best_first(roots, rank=_rank, grow=grow, works=lambda answer: answer.works)


def _rank(trial: Trial) -> tuple[Any, ...]:
    return (trial.cost, trial.order, trial.case.id)


def _cure(best: tuple[Trial, Answer] | None, asked: Sequence[tuple[Trial, Answer]]) -> RemedyResult:
    trials = sum(answer.tried for _, answer in asked)
    if best is None:
        return RemedyResult(works=False, trials=trials)
    trial, answer = best
    found = answer.result
    agreed = found.parity.max_abs if found.parity is not None else None
    return RemedyResult(True, trials, trial.steps, found.id, found.combination, found.route, found.keras_in_use, agreed)


def may_need_remedy(result: CaseResult) -> bool:
    """Whether a result is one that a remedy may better: it failed, or predicted something else."""
    return result.verdict in (Verdict.FAILS, Verdict.MISMATCH)


def cured(cases: Sequence[CaseResult], cures: Mapping[str, RemedyResult]) -> tuple[CaseResult, ...]:
    """The results with their cures."""
    return tuple(msgspec.structs.replace(one, cure=cures[one.id]) if one.id in cures else one for one in cases)
