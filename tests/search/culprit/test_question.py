"""What a trial's ending says to the question that two ends pose."""

from __future__ import annotations

import pytest
from support.samples import failed, result

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.culprit.question import Question, why_not_reproduced

BAD = failed()
OTHER = failed(issue=None, issues=(), signature="ValueError: x", message="ValueError: x")
LATER = failed(issue="keras3-batch-shape", signature="check: keras3-batch-shape", stage=Stage.CHECK)
FAULT = result(verdict=Verdict.ERROR, message="no space left", parity=None)
DIFFERS = failed(verdict=Verdict.MISMATCH, issue="numbers-differ", signature=None, stage=Stage.PREDICT)


@pytest.mark.parametrize(
    ("ending", "answer"),
    [
        (result(), Answer.NO),
        (BAD, Answer.YES),
        (failed(signature="Exception: worded otherwise"), Answer.YES),
        (failed(issue=None, issues=()), Answer.YES),
        (OTHER, Answer.UNKNOWN),
        (LATER, Answer.UNKNOWN),
        (DIFFERS, Answer.UNKNOWN),
        (FAULT, Answer.UNKNOWN),
    ],
)
def test_same_cause_is_yes_works_is_no_and_anything_else_unknown(ending: CaseResult, answer: Answer) -> None:
    assert Question.between(result(), BAD).answer(ending) is answer


def test_a_good_end_that_gets_farther_makes_getting_past_the_failure_a_no() -> None:
    question = Question.between(LATER, BAD)
    assert question.answer(LATER) is Answer.NO
    assert question.answer(result()) is Answer.NO
    assert question.answer(failed(issue=None, issues=(), signature="Error: y", stage=Stage.LOAD)) is Answer.NO
    assert question.answer(OTHER) is Answer.UNKNOWN
    assert Question.between(BAD, LATER).answer(BAD) is Answer.NO


def test_differing_predictions_are_one_cause() -> None:
    question = Question.between(result(), DIFFERS)
    assert question.answer(DIFFERS) is Answer.YES
    assert question.answer(BAD) is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (result(), BAD, None),
        (LATER, BAD, None),
        (None, BAD, None),
        (result(), result(), "the bad end works"),
        (BAD, BAD, "fails in the same way"),
        (FAULT, BAD, "the good end could not be run"),
        (result(), FAULT, "the bad end could not be run"),
    ],
)
def test_why_two_ends_pose_no_question(good: CaseResult | None, bad: CaseResult, reason: str | None) -> None:
    said = why_not_reproduced(good, bad)
    assert said is None if reason is None else reason in str(said)
