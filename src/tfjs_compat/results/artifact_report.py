"""The result of ``check``: the verdict on an artifact that exists already."""

from __future__ import annotations

import msgspec

from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.stages import Stage, Verdict


class ArtifactReport(msgspec.Struct, frozen=True):
    """The verdict on an artifact of which nothing is known but itself, and perhaps inputs and predictions.

    ``folder`` is as the user named it; ``tfjs`` and ``runtime`` say what loaded it, None where it came to no load;
    ``stage`` is the last one reached, ``issues`` the known issues, the decisive one first. ``compared_with`` says with
    whose predictions its own were compared.
    """

    folder: str
    tfjs: str | None
    runtime: str | None
    verdict: Verdict
    stage: Stage
    issues: tuple[str, ...]
    message: str
    findings: tuple[Finding, ...]
    parity: Parity | None
    compared_with: str = ""


def artifact_report(folder: str, outcome: Outcome, compared_with: str = "") -> ArtifactReport:
    """The report on the artifact in ``folder``: the outcome of checking and loading it, diagnosed."""
    found = diagnose(outcome, Stage.PREDICT)
    return ArtifactReport(
        folder=folder,
        tfjs=outcome.tfjs,
        runtime=outcome.runtime,
        verdict=found.verdict,
        stage=outcome.stage,
        issues=found.issues,
        message=found.message,
        findings=outcome.findings,
        parity=outcome.parity,
        compared_with=compared_with if outcome.parity is not None else "",
    )
