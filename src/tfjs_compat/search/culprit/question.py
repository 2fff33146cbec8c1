"""What is asked of each trial: does it end like the bad end? Pure."""

from __future__ import annotations

import msgspec

from tfjs_compat.diagnosis.catalogue import NUMBERS_DIFFER
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.oracle import answer_of

ALIKE = (NUMBERS_DIFFER, "proves-nothing")
"""Issues that are a kind of verdict, and say nothing about its cause."""


class Ending(msgspec.Struct, frozen=True):
    """How a trial ended, as far as two trials are compared by it."""

    verdict: Verdict
    stage: Stage
    issue: str | None
    signature: str | None

    @classmethod
    def of(cls, result: CaseResult) -> Ending:
        """The ending of a result."""
        return cls(result.verdict, result.stage, result.issue, result.signature)

    @property
    def name(self) -> str:
        """Its signature; where it has none, its issue or verdict."""
        return self.signature or self.issue or str(self.verdict)

    def same_as(self, other: Ending) -> bool:
        """Whether two failures have one cause: the same signature, or the same known issue at the same stage.

        A signature alone may be worded differently by another release; where a check lists what it found, the issue
        that decides is the first.
        """
        if self.verdict is not other.verdict:
            return False
        if self.signature is not None and self.signature == other.signature:
            return True
        return self.issue is not None and (self.issue, self.stage) == (other.issue, other.stage)


class Question(msgspec.Struct, frozen=True):
    """Does a trial end like the bad end?

    Yes: the same cause. No: it works, or ends like the good end. Anything else is unknown: another failure, a fault of
    the machine, no lock. ``passed``: getting past the stage of the bad end is a no as well, because the good end does
    not work either but gets farther.
    """

    bad: Ending
    good: Ending
    passed: bool = False

    @classmethod
    def between(cls, good: CaseResult, bad: CaseResult) -> Question:
        """The question that two ends pose."""
        works = answer_of(good) is Answer.YES
        return cls(Ending.of(bad), Ending.of(good), not works and good.stage.rank > bad.stage.rank)

    def answer(self, result: CaseResult) -> Answer:
        """The answer that the result of a trial gives."""
        ending = Ending.of(result)
        if ending.verdict is Verdict.ERROR:
            return Answer.UNKNOWN
        if ending.same_as(self.bad):
            return Answer.YES
        if answer_of(result) is Answer.YES or ending.same_as(self.good):
            return Answer.NO
        return Answer.NO if self.passed and ending.stage.rank > self.bad.stage.rank else Answer.UNKNOWN


class Shows(msgspec.Struct, frozen=True):
    """Does a trial show a signature, or a known issue? ``stage`` is where it shows, as far as that is known.

    Yes: a part of the signature is ``text``, or an issue is. No: it works, or fails at a later stage. Unknown: anything
    else, for what fails before or there in another way may hide it.
    """

    text: str
    stage: Stage | None = None

    def shown_by(self, result: CaseResult) -> bool:
        """Whether a result shows it."""
        return self.text in result.issues or self.text.lower() in (result.signature or "").lower()

    def answer(self, result: CaseResult) -> Answer:
        """The answer that the result of a trial gives."""
        if result.verdict is Verdict.ERROR:
            return Answer.UNKNOWN
        if self.shown_by(result):
            return Answer.YES
        passed = self.stage is not None and result.stage.rank > self.stage.rank
        return Answer.NO if passed or answer_of(result) is Answer.YES else Answer.UNKNOWN


def why_not_reproduced(good: CaseResult | None, bad: CaseResult) -> str | None:
    """Why two ends pose no question, in a sentence; None where they do. ``good`` is None where none was found."""
    if bad.verdict is Verdict.ERROR:
        return f"the bad end could not be run: {bad.message}"
    if answer_of(bad) is Answer.YES:
        return "the bad end works: there is nothing to explain"
    if good is None:
        return None
    if good.verdict is Verdict.ERROR:
        return f"the good end could not be run: {good.message}"
    if Ending.of(good).same_as(Ending.of(bad)):
        return f"the good end fails in the same way: {Ending.of(good).name}"
    return None
