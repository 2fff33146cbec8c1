"""What all reports say in words: a case's result, cause and expectation, and the sentence on a whole run. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.rewriting import Rewriting
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.numbers import clock
from tfjs_compat.results.case_result import CASE_READER, CaseResult, Results
from tfjs_compat.results.comparison import CHANGE_READER, COMPARISON_READER, Comparison
from tfjs_compat.results.files import RESULTS_READER
from tfjs_compat.results.rules import RuleNote
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.text import plain as plain

T = TypeVar("T")

UNEXPECTED_WITHOUT_RULE = "cases without an `[[expect]]` must work"
MARKS = (
    ("expected", "the matrix expects this failure"),
    ("unexpected", f"the matrix expects another result; {UNEXPECTED_WITHOUT_RULE}"),
)


def cleaned(results: Results) -> Results:
    """The same results with every text made plain: no control characters, no lone surrogates, no escape sequences."""
    cases = tuple(_cleaned(case, CASE_READER) for case in results.cases)
    rest = _cleaned(msgspec.structs.replace(results, cases=()), RESULTS_READER)
    return msgspec.structs.replace(rest, cases=cases)


def cleaned_comparison(comparison: Comparison) -> Comparison:
    """The same comparison with every text made plain."""
    changes = tuple(_cleaned(change, CHANGE_READER) for change in comparison.changes)
    rest = _cleaned(msgspec.structs.replace(comparison, changes=()), COMPARISON_READER)
    return msgspec.structs.replace(rest, changes=changes)


_OBEYED = re.compile(r"\\(?:u[0-9a-f]{4}|[bfrt])")
"""How JSON writes what is not printable, but for the end of a line."""


def _cleaned(value: T, reader: Reader[T]) -> T:
    """The value with every text made plain; itself where all are, which its JSON tells fast."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = "\0"
    if text.isprintable() and not _OBEYED.search(text):
        return value
    return reader.convert(_plain(msgspec.to_builtins(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def short(text: str, most: int = 160) -> str:
    """One line of at most so many characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def cut(text: str, most: int = 6000) -> str:
    """The text, or its beginning and how much more there is."""
    return text if len(text) <= most else f"{text[:most]}\n… and {len(text) - most} more characters"


def count(number: int, noun: str) -> str:
    """``1 case``, ``2 cases``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def result(case: CaseResult) -> str:
    """The verdict of a case, and the stage it reached, unless the verdict says that by itself."""
    clear = case.verdict in (Verdict.WORKS, Verdict.MISMATCH)
    return str(case.verdict) if clear else f"{case.verdict} at {case.stage}"


def cause(case: CaseResult, most: int = 160) -> str:
    """The cause in short: known issues by id, anything else by its signature or message. Empty for what works."""
    if case.verdict is Verdict.WORKS:
        return ""
    if case.issues and case.verdict is not Verdict.ERROR:
        more = len(case.issues) - 1
        return short(case.issues[0], most) + (f" +{more}" if more else "")
    if case.verdict in (Verdict.ERROR, Verdict.CONVERTS):
        return short(case.message, most)
    return f"unknown: {short(case.signature or case.message, most)}"


def rewritten(rewriting: Rewriting) -> str:
    """What of a model was rewritten: ``causal-padding (3 layers)``."""
    return ", ".join(f"{short(each.id, 40)} ({count(len(each.layers), 'layer')})" for each in rewriting.rewrote)


def proof(case: CaseResult) -> str:
    """What a proof rests on: ``2 comparisons, all 53 weight tensors show``. Empty where nothing was compared."""
    if case.parity is None:
        return ""
    parts = [count(case.parity.comparisons, "comparison")]
    strength = case.reference.strength if case.reference is not None else None
    if strength is not None and strength.shown == strength.tensors:
        parts.append(
            "its weight tensor shows" if strength.tensors == 1 else f"all {strength.tensors} weight tensors show"
        )
    elif strength is not None:
        hidden = ", ".join(short(name, 60) for name in strength.hidden[:3])
        more = ", …" if strength.tensors - strength.shown > 3 else ""
        why = f"; {short(strength.why_hidden, 120)}" if strength.faint else ""
        parts.append(f"{strength.shown} of {count(strength.tensors, 'weight tensor')} show (not {hidden}{more}{why})")
    if case.reference is not None and case.reference.one_sided:
        names = ", ".join(short(name, 60) for name in case.reference.one_sided[:3])
        parts.append(f"without one of the branches of {names}")
    if by_logits := [each for each in case.reference.logits if each.why] if case.reference is not None else []:
        activations = " or ".join(dict.fromkeys(each.activation for each in by_logits))
        names = ", ".join(short(each.output, 60) for each in by_logits[:3]) + (", …" if len(by_logits) > 3 else "")
        parts.append(f"by what the last {activations} is given ({names} itself {by_logits[0].why})")
    if case.rewriting is not None:
        parts.append(f"compared with the original model, before its rewrite ({rewritten(case.rewriting)})")
    if case.reference is not None and case.reference.twin:
        parts.append(f"with the float32 twin of a {short(case.reference.twin, 30)} model")
    if case.reference is not None and case.reference.random:
        names = ", ".join(short(name, 60) for name in case.reference.random[:3])
        parts.append(f"without what differs from itself in Python ({names})")
    return ", ".join(parts)


def proofs(cases: Iterable[CaseResult]) -> list[tuple[str, list[CaseResult]]]:
    """What the cases that work rest on, with those that rest on the same, the most frequent first."""
    found: dict[str, list[CaseResult]] = {}
    for case in cases:
        if case.verdict is Verdict.WORKS and (rests_on := proof(case)):
            found.setdefault(rests_on, []).append(case)
    return sorted(found.items(), key=lambda each: -len(each[1]))


def renamed(case: CaseResult) -> str:
    """Which output of the artifact is which of the model, where the names differ: ``zeta is Identity_2:0``."""
    if case.interface is None or case.interface.call == "predict":
        return ""
    places = [f"{short(each.name, 60)} is {short(str(each.at), 60)}" for each in case.interface.outputs]
    several = len(places) > 1
    return ", ".join(places[:12]) + (", …" if len(places) > 12 else "") if several else ""


def expectation(case: CaseResult) -> str:
    """What the matrix expects of a case: ``works``, ``fails at convert with duplicate-weight-name``."""
    rule = case.expected
    if rule is None:
        return "works (no `[[expect]]` matches it)"
    said = _rule(rule)
    return f"works (that it {said} expired on {rule.expires})" if rule.expired else said


def _rule(rule: Expectation) -> str:
    parts = [str(rule.wanted)]
    parts += [f"at {rule.stage}"] if rule.stage else []
    parts += [f"with {rule.issue}"] if rule.issue else []
    return " ".join(parts) + (f", Keras {rule.keras}" if rule.keras else "")


def against_expectation(case: CaseResult) -> str:
    """How a result compares with what the matrix expects."""
    if case.as_expected:
        return "as expected"
    return "unknown (machinery error)" if case.verdict is Verdict.ERROR else "not as expected"


def cures(case: CaseResult) -> str:
    """What cured a case when its remedies were run; empty where none did or none was run."""
    if case.cure is None or not case.cure.works:
        return ""
    return "cured by " + ", then ".join(" and ".join(step.changes) for step in case.cure.steps)


def mark(case: CaseResult) -> Literal["", "expected", "unexpected"]:
    """The word beside a result without which a reader cannot know whether it is bad.

    A failure is ``expected`` where the matrix expects it. Any other result that is not as expected is ``unexpected``.
    A fault of the machinery has no mark.
    """
    if case.verdict is Verdict.ERROR:
        return ""
    if case.as_expected:
        return "expected" if case.verdict in (Verdict.FAILS, Verdict.MISMATCH) else ""
    return "unexpected"


def marks(cases: Sequence[CaseResult]) -> list[tuple[str, str]]:
    """The marks that the cases have, each with its meaning."""
    used = {mark(case) for case in cases}
    return [(name, meaning) for name, meaning in MARKS if name in used]


def counts(results: Results) -> list[tuple[Verdict, int]]:
    """How many cases have each verdict, without the verdicts that none has."""
    found = [(verdict, sum(case.verdict is verdict for case in results.cases)) for verdict in Verdict]
    return [(verdict, number) for verdict, number in found if number]


def incomplete(results: Results) -> str:
    """A sentence for results that are only a part of a run: how many of how many cases finished. Empty for a whole run.

    A run that was interrupted or killed leaves such results.
    """
    finished, planned = len(results.cases), results.planned
    if results.complete and (planned is None or finished >= planned):
        return ""
    if results.stopped == "time" and planned is not None:
        return f"Incomplete run: stopped by --time, {planned - finished} of {count(planned, 'case')} not run."
    if planned is None:
        return f"Incomplete run: {count(finished, 'case')} finished; the others are missing here."
    return f"Incomplete run: {finished} of {count(planned, 'case')} finished; the others are missing here."


def facts(results: Results) -> list[str]:
    """When, how long, with what: for a line under the headline."""
    machine = results.machine
    found = [
        results.started,
        f"{clock(results.seconds)} min",
        f"tfjs-compat {results.tool}",
        " ".join(filter(None, (machine.get("system"), machine.get("machine"), machine.get("cpu")))),
        "" if results.until is Stage.PREDICT else f"until {results.until}",
    ]
    return [short(fact) for fact in found if fact]


def rule_note(note: RuleNote) -> str:
    """A sentence on an expectation that has to be looked at."""
    what = f"expect[{note.number}] ({short(note.rule.reason, 80)})"
    failing = note.cases - note.working
    if note.kind == "needless":
        return f"{what} is not needed any more: {count(note.cases, 'case')} of it, and all work."
    if note.kind == "expired":
        return f"{what} expired on {note.rule.expires}: {count(failing, 'case')} of {note.cases} still not working."
    return f"{what} is too wide: {note.working} of its {note.cases} cases work."


def left_out(lines: Sequence[str]) -> str:
    """One line on the cases that a matrix names and that cannot exist; empty where there are none.

    Each of ``lines`` is ``CASE: REASON``.
    """
    if not lines:
        return ""
    reasons = sorted({line.rpartition(": ")[2] for line in lines})
    more = f"; and {count(len(reasons) - 5, 'more reason')}" if len(reasons) > 5 else ""
    return f"{count(len(lines), 'case')} left out: {short('; '.join(reasons[:5]), 600)}{more}"
