"""Oracles that know from a rule what every case comes to, and results as they give them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from support.samples import lock, result
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.oracle import Evaluation, answer_of

WORKS = None
FAULT = "the index could not be reached"
"""What a rule says where the machinery fails."""

Rule = Callable[[Case], "str | None"]
"""What a case comes to: WORKS, FAULT, or the issue that it fails with."""


def ended(case: Case, issue: str | None) -> CaseResult:
    """The result of a case by the word of a rule."""
    same = {"id": case.id, "combination": case.combination, "route": case.route.name}
    if issue is WORKS:
        return result(**same)
    if issue == FAULT:
        return result(**same, verdict=Verdict.ERROR, stage=Stage.RESOLVE, message=FAULT, parity=None)
    failing = {"issue": issue, "issues": (issue,), "signature": f"check: {issue}", "message": issue, "parity": None}
    return result(**same, verdict=Verdict.FAILS, stage=Stage.CHECK, **failing)


class RuleOracle:
    """Answers by a rule. ``batches`` are the cases of each call; after ``last`` calls, or when ``stop`` is set, it
    answers no more. ``packages`` are in every lock besides TensorFlow."""

    def __init__(
        self,
        rule: Rule,
        last: int = 1000,
        stop: threading.Event | None = None,
        packages: Mapping[str, str] | None = None,
    ) -> None:
        self.rule, self.last, self.stop = rule, last, stop
        self.lock = msgspec.structs.replace(lock(16), packages={**lock(16).packages, **(packages or {})})
        self.batches: list[list[Case]] = []
        self.trials = 0

    @property
    def cases(self) -> list[Case]:
        return [case for batch in self.batches for case in batch]

    def evaluate(self, cases: Sequence[Case]) -> dict[str, Evaluation]:
        if len(self.batches) >= self.last:
            return {}
        self.batches.append(list(cases))
        found: dict[str, Evaluation] = {}
        for case in cases:
            if self.stop is not None and self.stop.is_set():
                break
            came = ended(case, self.rule(case))
            tried = came.verdict is not Verdict.ERROR
            self.trials += tried
            found[case.id] = Evaluation(answer_of(came), came, self.lock, tried=tried)
        return found


def once(rule: Rule, faulty: Callable[[Case], bool]) -> Rule:
    """A rule whose faulty cases meet a fault the first time, and then what the rule says."""
    met: set[str] = set()

    def ruled(case: Case) -> str | None:
        if faulty(case) and case.id not in met:
            met.add(case.id)
            return FAULT
        return rule(case)

    return ruled
