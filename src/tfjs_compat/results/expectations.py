"""Whether a result is as the matrix expects."""

from __future__ import annotations

from collections.abc import Iterable

from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.matrix.versions import version_fits
from tfjs_compat.outcomes.stages import Stage, Verdict


def as_expected(
    expected: Expectation | None,
    until: Stage,
    verdict: Verdict,
    stage: Stage,
    issues: Iterable[str],
    keras: str | None,
) -> bool:
    """Whether a case ended as its matrix says; where it says nothing (any more), the case has to reach the end.

    A run that stops early, at ``until``, is held to nothing beyond that stage.
    """
    rule = expected if expected is not None and not expected.expired else Expectation(verdict=Verdict.WORKS)
    wanted = rule.wanted
    if rule.keras is not None and keras is not None and not version_fits(keras, rule.keras):
        return False
    beyond = until is not Stage.PREDICT and (wanted in (Verdict.WORKS, Verdict.MISMATCH) or _later(rule.stage, until))
    somewhere = until is not Stage.PREDICT and wanted is Verdict.FAILS and rule.stage is None
    if beyond or (somewhere and verdict is Verdict.CONVERTS):
        return verdict is Verdict.CONVERTS
    if verdict is not wanted or (rule.stage is not None and stage is not rule.stage):
        return False
    return rule.issue is None or rule.issue in issues


def _later(stage: Stage | None, until: Stage) -> bool:
    return stage is not None and stage.rank > until.rank
