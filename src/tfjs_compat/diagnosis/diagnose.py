"""What an outcome means: its verdict, and what explains it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tfjs_compat.diagnosis.catalogue import NUMBERS_DIFFER, catalogue, recognise
from tfjs_compat.diagnosis.signatures import signature
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.text import plain

_NAMED = 4
"""How many operations and layers a message names."""


class Diagnosis(msgspec.Struct, frozen=True):
    """What an outcome means.

    ``issues`` are the known issues that explain it, the decisive one first; ``signature`` is the normalised first cause
    of a failure, None where nothing failed; ``message`` says in a sentence what happened, empty where it works.
    """

    verdict: Verdict
    issues: tuple[str, ...] = ()
    signature: str | None = None
    message: str = ""


def verdict_of(outcome: Outcome) -> Verdict:
    """The verdict on an outcome: ``works`` only for predictions that agreed and could have disagreed."""
    if outcome.machinery is not None:
        return Verdict.ERROR
    if outcome.failure is not None:
        return Verdict.FAILS
    if outcome.parity is not None and not outcome.parity.agrees:
        return Verdict.MISMATCH
    if outcome.parity is not None and outcome.parity.informative:
        return Verdict.WORKS
    return Verdict.CONVERTS


def diagnose(outcome: Outcome, until: Stage, requested: Mapping[str, str] | None = None) -> Diagnosis:
    """The diagnosis of an outcome.

    ``until`` is the stage that was to be reached. ``requested`` maps packages to the versions that the case requests;
    they count where the outcome resolved none.
    """
    verdict = verdict_of(outcome)
    failure = outcome.failure if verdict is Verdict.FAILS else None
    issues = _issues(outcome, verdict, until, requested)
    return Diagnosis(
        verdict=verdict,
        issues=issues,
        signature=plain(signature(failure)) if failure is not None else None,
        # Without what a terminal would obey: results.json is read by programs that print it as it is (``jq -r``).
        message=plain(_message(outcome, verdict) + _blamed(failure, issues)),
    )


def _issues(outcome: Outcome, verdict: Verdict, until: Stage, requested: Mapping[str, str] | None) -> tuple[str, ...]:
    failure = outcome.failure
    if verdict is Verdict.FAILS and failure is not None:
        proven = [finding.id for finding in failure.findings if finding.severity == "error"]
        # What is proven of an artifact stands in the order in which TensorFlow.js would trip over it.
        return tuple(dict.fromkeys([*proven, *recognise(failure, outcome.resolved or requested or {})]))
    if verdict is Verdict.MISMATCH:
        # What a look at the artifact made suspicious is the best lead on why.
        return tuple(dict.fromkeys([NUMBERS_DIFFER, *(finding.id for finding in outcome.findings)]))
    if verdict is Verdict.CONVERTS and until is Stage.PREDICT:
        return ("proves-nothing",)
    return ()


def _blamed(failure: Failure | None, issues: tuple[str, ...]) -> str:
    """What the exceptions say of the cause and the message does not."""
    for issue in (catalogue()[issue] for issue in issues if failure is not None and issue in catalogue()):
        for raised in failure.chain if failure is not None and issue.blames else ():
            if (found := re.search(issue.blames, raised.message)) is not None:
                return f" (because of {found[1]})"
    return ""


def _message(outcome: Outcome, verdict: Verdict) -> str:
    if outcome.machinery is not None:
        return outcome.machinery
    if outcome.failure is not None:
        return _lacking(outcome.failure) or outcome.failure.message
    if outcome.unproven is not None:
        return f"it loads; nothing can be compared: {outcome.unproven}"
    if verdict is Verdict.WORKS:
        return _weakness(outcome)
    parity = outcome.parity
    if parity is None:
        return ""
    if verdict is Verdict.MISMATCH:
        return f"predictions differ: {parity.disagreement}"
    reference = outcome.reference
    why = reference.why if reference is not None and reference.no_proof is not None else parity.uninformative_reason
    if reference is not None and reference.logits and not parity.logits:
        why = f"{why}; what its last {reference.logits[0].activation} is given is not found in the artifact"
    return f"it loads, but its predictions prove nothing: {why}"


def _lacking(failure: Failure) -> str:
    """What a graph has that no release of TensorFlow.js has, and how to have the model behind it; else empty."""
    said = []
    for lacking in failure.lacking:
        more = f" and {len(lacking.operations) - _NAMED} more" if len(lacking.operations) > _NAMED else ""
        where = f" of {', '.join(lacking.layers[:_NAMED])}" if lacking.layers else ""
        said.append(f"{', '.join(lacking.operations[:_NAMED])}{more}{where}")
    split = f"; the model behind: `{failure.split}`" if failure.split and said else ""
    return "; ".join(said) + split


def _weakness(outcome: Outcome) -> str:
    """What the outputs themselves do not show, and what a proof leaves out where that is most of the model."""
    if outcome.reference is None:
        return ""
    said = [
        f"output {each.output} {each.why}: what its last {each.activation} is given was compared too, and agrees"
        for each in outcome.reference.logits[:3]
        if each.why
    ]
    if one_sided := outcome.reference.one_sided:
        names = ", ".join(one_sided[:3]) + (", …" if len(one_sided) > 3 else "")
        said.append(f"no input takes both branches of {names}: one of them was not compared")
    strength = outcome.reference.strength
    if strength is not None and 2 * strength.shown < strength.tensors:
        hidden = ", ".join(strength.hidden[:3]) + (", …" if strength.tensors - strength.shown > 3 else "")
        said.append(
            f"only {strength.shown} of {strength.tensors} weight tensors show in the comparison: a change of the "
            f"others ({hidden}) would not be seen" + (f"; {strength.why_hidden}" if strength.faint else "")
        )
    return "; ".join(said)
