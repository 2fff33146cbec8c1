"""Two nights of a matrix of any size: most cases work, some are known to fail, some regressed in the second night."""

from __future__ import annotations

import msgspec

from support.samples import FORESEEN, combination, failed, parity, result, results
from tfjs_compat.matrix.source import Source
from tfjs_compat.outcomes.parity import OutputParity
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult, Results

CAUSES = ("pkg-resources-gone", "duplicate-weight-name", "keras3-batch-shape")
STAGES = (Stage.IMPORT, Stage.CONVERT, Stage.CHECK)


def night(number: int, models: int, combinations: int) -> Results:
    """Night 0 or 1. In night 1 every ninth model regressed in every fifth combination, where keras has changed."""
    cases = [_case(number, model, at) for model in range(models) for at in range(combinations)]
    locks = {case.lock or "": {**{f"package-{at}": "1.0" for at in range(90)}, **case.resolved} for case in cases}
    return results(
        *cases,
        locks=locks,
        source=Source("matrix.toml", (9,), {}),
        started=f"2026-11-2{2 + number}T03:00:00+00:00",
    )


def _case(number: int, model: int, at: int) -> CaseResult:
    affected = at % 5 == 0
    requested = combination(
        tensorflow=f"2.{13 + at % 8}.{at % 3}",
        process_env="legacy-keras" if at % 2 else "default",
        as_of=f"2024-0{1 + at // 16 % 9}-10",
    )
    lock = f"{at:08d}{number if affected else 0:08d}"
    name = f"model_{model}"
    given: dict[str, object] = {
        "id": f"{name}-layers-{requested.slug()}-{model:04x}{at:04x}",
        "combination": requested,
        "model": f"zoo:{name}",
        "lock": lock,
        "log": f"cases/{name}-{at}/{lock[:8]}/log.txt",
        "resolved": {
            "python": "3.11.7",
            "tensorflow": requested.tensorflow,
            "keras": f"3.{at % 9}.{number if affected else 0}",
        },
        "seconds": {"import": 4.2, "build": 0.2, "convert": 0.3, "check": 0.02, "load": 0.4, "predict": 0.1},
        "model_digest": f"{model:064x}",
    }
    kind = (model * 7 + at * 13 + 5) % 11
    if number and affected and kind > 2 and model % 9 == 0:
        return failed(
            **given,
            stage=Stage.LOAD,
            issue=None,
            issues=(),
            signature="ValueError: quite new",
            message=f"ValueError: quite new in layer dense_{model}",
            excerpt="Traceback (most recent call last)\nValueError: quite new",
        )
    if kind < 3:
        cause = CAUSES[kind]
        known = {"stage": STAGES[kind], "issue": cause, "issues": (cause,), "as_expected": kind < 2}
        return failed(**given, **known, expected=FORESEEN if kind < 2 else None)
    row = OutputParity("dense", [3, 1], "float32", True, True, 1e-5, 1e-7, 1e-7)
    return result(**given, parity=msgspec.structs.replace(parity(), outputs=[row]))
