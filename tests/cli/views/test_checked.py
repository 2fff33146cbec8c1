from __future__ import annotations

import pytest
from support.consoles import shown_by

from tfjs_compat.cli.views import checked
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.artifact_report import ArtifactReport


def look(found: ArtifactReport, width: int = 70) -> str:
    return shown_by(lambda console: checked.show(console, found), width)


def examined(**changed: object) -> ArtifactReport:
    given_: dict[str, object] = {
        "folder": "web_model",
        "tfjs": "4.22.0",
        "runtime": "node cpu",
        "verdict": Verdict.WORKS,
        "stage": Stage.PREDICT,
        "issues": (),
        "message": "",
        "findings": (),
        "parity": None,
    }
    return ArtifactReport(**{**given_, **changed})  # type: ignore[arg-type]


def test_findings_are_grouped_by_id_before_the_verdict() -> None:
    prefix = [Finding("keras3-weight-prefix", f"$.weights[{at}]", f"name {at}") for at in range(4)]
    strange = Finding("own-check", "$.topology", "it is \x1b[31mso", "warning")
    found = examined(
        verdict=Verdict.FAILS,
        stage=Stage.CHECK,
        runtime=None,
        issues=("keras3-weight-prefix",),
        message="$.weights[0]: name 0 (and 3 more: keras3-weight-prefix)",
        findings=(prefix[0], strange, *prefix[1:]),
    )
    text = look(found)
    assert "error: keras3-weight-prefix (4 places): name 0\n  first at $.weights[0]\n" in text
    assert "warning: own-check: it is so\n  at $.topology\n" in text
    assert text.count("$.weights") == 1
    assert text.splitlines()[-1] == "fails at check, TensorFlow.js 4.22.0: 4 errors"


@pytest.mark.parametrize(
    ("found", "last"),
    [
        (examined(), "works, TensorFlow.js 4.22.0 in node cpu"),
        (
            examined(verdict=Verdict.FAILS, stage=Stage.LOAD, message="Error: no"),
            "fails at load, TensorFlow.js 4.22.0 in node cpu: Error: no",
        ),
        (
            examined(verdict=Verdict.CONVERTS, message="it loads"),
            "nothing wrong found, TensorFlow.js 4.22.0 in node cpu: it loads",
        ),
    ],
)
def test_the_verdict_of_a_check(found: ArtifactReport, last: str) -> None:
    assert look(found).splitlines()[-1] == last
