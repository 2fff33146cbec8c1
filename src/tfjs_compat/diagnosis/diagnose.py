"""Outcome → diagnosis: verdict, signature, known issues, remedies. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tfjs_compat.diagnosis.catalogue import catalogue, recognise
from tfjs_compat.diagnosis.signatures import signature
from tfjs_compat.matrix.cases import Case, asked_versions
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.expectations import as_expected
from tfjs_compat.system.text import plain


def verdict_of(outcome: Outcome) -> Verdict:
    """The verdict on an outcome. ``works`` is given for predictions that agreed and could have disagreed, only."""
    if outcome.machinery is not None:
        return Verdict.ERROR
    if outcome.failure is not None:
        return Verdict.FAILS
    if outcome.parity is not None and not outcome.parity.agrees:
        return Verdict.MISMATCH
    if outcome.parity is not None and outcome.parity.proves:
        return Verdict.WORKS
    return Verdict.CONVERTS


class Checked(msgspec.Struct, frozen=True):
    """What a check of an artifact that exists already came to."""

    folder: str
    tfjs: str | None
    runtime: str | None
    verdict: Verdict
    stage: Stage
    issues: tuple[str, ...]
    message: str
    findings: tuple[Finding, ...]
    parity: Parity | None


def diagnose_artifact(folder: str, outcome: Outcome) -> Checked:
    """The verdict on an artifact of which nothing is known but itself, and perhaps inputs and predictions."""
    verdict = verdict_of(outcome)
    issues = _issues(outcome, verdict, Stage.PREDICT)
    message = _message(outcome, verdict)
    return Checked(
        folder, outcome.tfjs, outcome.runtime, verdict, outcome.stage, issues, message, outcome.findings, outcome.parity
    )


def diagnose(case: Case, outcome: Outcome, until: Stage, *, cached: bool = False) -> CaseResult:
    """The result of a case: its verdict, what is known about the cause, and whether the matrix expected it."""
    verdict = verdict_of(outcome)
    failure = outcome.failure if verdict is Verdict.FAILS else None
    issues = _issues(outcome, verdict, until, asked_versions(case))
    entry = catalogue().get(issues[0]) if issues else None
    return CaseResult(
        id=case.id,
        combination=case.combination,
        resolved=outcome.resolved,
        lock=outcome.lock,
        model=case.model.ref,
        route=case.route,
        verdict=verdict,
        stage=outcome.stage,
        issue=issues[0] if issues else None,
        issues=issues,
        signature=plain(signature(failure)) if failure is not None else None,
        message=_message(outcome, verdict),
        remedies=tuple(remedy.title for remedy in entry.remedies) if entry else (),
        expected=case.expected,
        as_expected=as_expected(case.expected, until, verdict, outcome.stage, issues, outcome.resolved.get("keras")),
        seconds=outcome.seconds,
        parity=outcome.parity,
        findings=outcome.findings,
        log=outcome.log,
        cached=cached,
        tfjs=outcome.tfjs,
        runtime=outcome.runtime,
        keras_in_use=outcome.keras_in_use,
        repairs=outcome.repairs,
    )


def _issues(
    outcome: Outcome, verdict: Verdict, until: Stage, asked: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Everything that is known of the cause, the telling one first. ``asked``: versions, where no lock gave any."""
    failure = outcome.failure
    if verdict is Verdict.FAILS and failure is not None:
        proven = [finding.id for finding in failure.findings if finding.severity == "error"]
        # What is proven of an artifact stands in the order in which TensorFlow.js would trip over it.
        return tuple(dict.fromkeys([*proven, *recognise(failure, outcome.resolved or asked or {})]))
    if verdict is Verdict.MISMATCH:
        # What a look at the artifact made suspicious is the best lead on why.
        return tuple(dict.fromkeys(["numbers-differ", *(finding.id for finding in outcome.findings)]))
    if verdict is Verdict.CONVERTS and until is Stage.PREDICT:
        return ("proves-nothing",)
    return ()


def _message(outcome: Outcome, verdict: Verdict) -> str:
    """Without what a terminal would obey: results.json is read by programs that print it as it is (``jq -r``)."""
    return plain(_said(outcome, verdict))


def _said(outcome: Outcome, verdict: Verdict) -> str:
    if outcome.machinery is not None:
        return outcome.machinery
    if outcome.failure is not None:
        return outcome.failure.message
    if outcome.unproven is not None:
        return f"it loads; nothing can be compared: {outcome.unproven}"
    parity = outcome.parity
    if parity is None:
        return ""
    if verdict is Verdict.MISMATCH:
        return f"predictions differ: {parity.why}"
    return f"it loads, but its predictions prove nothing: {parity.why_not}" if not parity.proves else ""
