"""What answers a search: cases in, their answers with the evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer


class Evaluation(msgspec.Struct, frozen=True):
    """A case's answer with its evidence.

    ``result`` is what the case came to, ``lock`` None where it has none. ``tried``: it was run (or its resolution
    was), here or by an earlier run, and answered; False where its versions or another route tell how it ends, and
    where the machinery failed.
    """

    answer: Answer
    result: CaseResult
    lock: Lock | None
    tried: bool


def answer_of(result: CaseResult) -> Answer:
    """The answer that a result of a run gives to the question whether its case works.

    Where an earlier stage than the last was requested, reaching it is enough.
    """
    if result.verdict is Verdict.ERROR:
        return Answer.UNKNOWN
    reached = result.issue is None and result.verdict is Verdict.CONVERTS
    return Answer.YES if reached or result.verdict is Verdict.WORKS else Answer.NO


class Oracle(Protocol):
    """Something that answers what cases come to."""

    def evaluate(self, cases: Sequence[Case]) -> dict[str, Evaluation]:
        """The evaluations by the id of their case; some are missing where the user stopped it before their turn, and
        where one before them works and that suffices.

        An answer that is unknown may be another one at the next call. Raises MachineryError where nothing
        can be run at all.
        """


def evaluate_with_retry(oracle: Oracle, cases: Sequence[Case]) -> dict[str, Evaluation]:
    """As ``oracle.evaluate``, but what is unknown is evaluated once more: most faults of a network pass.

    A case whose second evaluation was stopped keeps its first.
    """
    found = oracle.evaluate(cases)
    unknown = [case for case in cases if case.id in found and found[case.id].answer is Answer.UNKNOWN]
    works = any(each.answer is Answer.YES for each in found.values())
    if not unknown or (len(found) < len({case.id for case in cases}) and not works):
        return found
    return {**found, **oracle.evaluate(unknown)}
