"""What all reports say in words: a case's result, cause and expectation, and the sentence on a whole run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.system.text import plain as plain


def clock(seconds: float) -> str:
    """``1:05`` for 65 seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


Mood = Literal["good", "bad", "error", "part"]
MARKS = (
    ("expected", "as the matrix says, although it does not work"),
    ("unexpected", "the matrix, or the run, asks for another end; a case that the matrix says nothing of should work"),
)


def cleaned(results: Results) -> Results:
    """The same results with every text made plain: no control characters, no lone surrogates, no escape sequences."""
    return msgspec.convert(_plain(msgspec.to_builtins(results)), Results)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def short(text: str, most: int = 160) -> str:
    """One line of at most so many characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def count(number: int, noun: str) -> str:
    """``1 case``, ``2 cases``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def result(case: CaseResult) -> str:
    """How a case ended, and where, unless the verdict says that by itself."""
    clear = case.verdict in (Verdict.WORKS, Verdict.MISMATCH)
    return str(case.verdict) if clear else f"{case.verdict} at {case.stage}"


def cause(case: CaseResult, most: int = 160) -> str:
    """The cause in short: known issues by id, anything else as it was said. Empty for what works."""
    if case.verdict is Verdict.WORKS:
        return ""
    if case.issues and case.verdict is not Verdict.ERROR:
        more = len(case.issues) - 1
        return short(case.issues[0], most) + (f" +{more}" if more else "")
    if case.verdict in (Verdict.ERROR, Verdict.CONVERTS):
        return short(case.message, most)
    return f"unknown: {short(case.signature or case.message, most)}"


def expectation(case: CaseResult) -> str:
    """What the matrix said of a case: ``works``, ``fails at convert with duplicate-weight-name``."""
    rule = case.expected
    if rule is None:
        return "works (the matrix says nothing of it)"
    told = str(rule.verdict or (Verdict.FAILS if rule.stage or rule.issue else Verdict.WORKS))
    told += f" at {rule.stage}" if rule.stage else ""
    told += f" with {rule.issue}" if rule.issue else ""
    return told + (f", Keras {rule.keras}" if rule.keras else "")


def mark(case: CaseResult) -> Literal["", "expected", "unexpected"]:
    """What has to be said beside a result for a reader to know whether it is bad.

    A failure is ``expected`` where the matrix foresaw it. Whatever else does not end as it should is ``unexpected``: a
    case that the matrix says nothing of should work. Nothing is said of a fault of the machinery.
    """
    if case.verdict is Verdict.ERROR:
        return ""
    if case.as_expected:
        return "expected" if case.verdict in (Verdict.FAILS, Verdict.MISMATCH) else ""
    return "unexpected"


def marks(cases: Sequence[CaseResult]) -> list[tuple[str, str]]:
    """The marks that cases have, each with what it means."""
    there = {mark(case) for case in cases}
    return [one for one in MARKS if one[0] in there]


def counts(results: Results) -> list[tuple[Verdict, int]]:
    """How many cases ended how, without the verdicts that none has."""
    found = [(verdict, sum(case.verdict is verdict for case in results.cases)) for verdict in Verdict]
    return [(verdict, number) for verdict, number in found if number]


def headline(results: Results) -> tuple[Mood, str]:
    """What a reader looks for first: whether all is as expected."""
    cases = results.cases
    errors = sum(case.verdict is Verdict.ERROR for case in cases)
    surprises = sum(not case.as_expected and case.verdict is not Verdict.ERROR for case in cases)
    told = []
    if not cases:
        told.append("No case has ended.")
    if errors:
        told.append(f"The machinery failed for {errors} of {count(len(cases), 'case')}.")
    if surprises:
        told.append(f"{surprises} of {count(len(cases), 'case')} did not end as expected.")
    elif cases and not errors:
        told.append("All as expected." if len(cases) > 1 else "As expected.")
    if not results.complete:
        told.append("The run was interrupted: what had not ended is missing here.")
    mood: Mood = "error" if errors else "bad" if surprises else "good" if results.complete and cases else "part"
    return mood, " ".join(told)


def facts(results: Results) -> list[str]:
    """When, how long, with what: for a line under the headline."""
    told = [results.started, f"{clock(results.seconds)} min", f"tfjs-compat {results.tool}"]
    machine = results.machine
    told.append(" ".join(filter(None, (machine.get("system"), machine.get("machine"), machine.get("cpu")))))
    if results.until is not Stage.PREDICT:
        told.append(f"asked to stop after {results.until}")
    return [short(one) for one in told if one]


def left_out(told: Sequence[str]) -> str:
    """One line on the cases that a matrix asks for and that cannot be; empty where there are none."""
    if not told:
        return ""
    reasons = sorted({one.rpartition(": ")[2] for one in told})
    more = f"; and {count(len(reasons) - 5, 'more reason')}" if len(reasons) > 5 else ""
    return f"{count(len(told), 'case')} left out: {short('; '.join(reasons[:5]), 600)}{more}"
