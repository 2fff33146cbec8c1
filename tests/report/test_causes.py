from __future__ import annotations

from support.samples import failed, result

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report.causes import causes


def test_causes_are_grouped_and_ordered() -> None:
    found = causes(
        [
            result(),
            failed(),
            failed(),
            failed(issue=None, issues=()),
            failed(issue="own-check", issues=("own-check", "weights-missing")),
            result(verdict=Verdict.ERROR, message="no space left", as_expected=False),
        ]
    )
    assert [(cause.kind, len(cause.cases)) for cause in found] == [
        ("machinery", 1),
        ("known", 2),
        ("unknown", 1),
        ("named", 1),
    ]
    assert found[1].remedies
    assert found[3].behind == ("weights-missing",)
