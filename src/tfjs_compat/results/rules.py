"""Which expectations of a matrix have to be looked at: they have expired, or their cases work by now. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, Results


class RuleNote(msgspec.Struct, frozen=True):
    """What is to be said of the expectation at place ``number`` of the matrix.

    ``needless``: all of its ``cases`` work. ``too-wide``: only ``working`` of them do. ``expired``: its date is past
    and some do not work.
    """

    number: int
    rule: Expectation
    kind: Literal["needless", "too-wide", "expired"]
    cases: int
    working: int


def rule_notes(results: Results) -> tuple[RuleNote, ...]:
    """A note on each rule that expects something else than ``works`` and is not simply met, in the matrix's order.

    Cases that the machinery failed for say nothing.
    """
    by_rule: dict[int, list[CaseResult]] = {}
    for case in results.cases:
        rule = case.expected
        counts = rule is not None and rule.wanted is not Verdict.WORKS and case.verdict is not Verdict.ERROR
        if rule is not None and rule.rule is not None and counts:
            by_rule.setdefault(rule.rule, []).append(case)
    found = (_note(number, cases) for number, cases in sorted(by_rule.items()))
    return tuple(note for note in found if note is not None)


def _note(number: int, cases: list[CaseResult]) -> RuleNote | None:
    rule = cases[0].expected
    assert rule is not None
    working = sum(case.verdict is Verdict.WORKS for case in cases)
    kind: Literal["needless", "too-wide", "expired"] = "needless" if working == len(cases) else "too-wide"
    if kind != "needless" and rule.expired:
        kind = "expired"
    return RuleNote(number, rule, kind, len(cases), working) if working or kind == "expired" else None
