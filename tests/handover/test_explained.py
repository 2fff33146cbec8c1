"""An explanation in words."""

from __future__ import annotations

from typing import Any

from support.samples import combination, failed, result

from tfjs_compat.handover.explained import explanation_markdown, explanation_text
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.explanation import Culprit, Explanation, Remedy, Requirer

GONE = "ModuleNotFoundError: No module named 'pkg_resources'"
BAD = failed(stage=Stage.IMPORT, message=GONE, signature=GONE, issue="pkg-resources-gone")
CHANGES = tuple(Change("package", f"p{number}", "1", "2") for number in range(14))


def explanation(**changed: Any) -> Explanation:
    given: dict[str, Any] = {
        "reproduced": True,
        "signature": GONE,
        "issue": "pkg-resources-gone",
        "culprits": (Culprit("package", "setuptools", "81.0.0", "82.0.0", "2026-02-08"),),
        "minimal": True,
        "trials": 9,
        "seconds": 31.0,
        "changes": CHANGES,
        "chain": ("tensorflowjs", "tensorflow-hub", "pkg_resources"),
        "requirers": (Requirer("tensorflow", "2.15.0", ""),),
        "remedy": Remedy("setuptools<82.0.0", True),
        "links": {"release": "https://pypi.org/project/setuptools/82.0.0/"},
        "good": result(),
        "bad": BAD,
    }
    return Explanation(**{**given, **changed})


def test_the_answer_reads_like_a_bug_report() -> None:
    assert explanation_text(explanation()).splitlines() == [
        "setuptools 81.0.0 → 82.0.0 (released 2026-02-08): import of tensorflowjs fails with `ModuleNotFoundError: "
        "No module named 'pkg_resources'`. Chain: tensorflowjs → tensorflow-hub → pkg_resources. 1-minimal over 14 "
        "changes. 9 trials, 0:31.",
        "setuptools is required by tensorflow 2.15.0 (any version). Nobody caps it, so the resolver takes the newest.",
        "Remedy: setuptools<82.0.0 (tested: works).",
        "release: https://pypi.org/project/setuptools/82.0.0/",
    ]


def test_a_claim_is_no_stronger_than_the_evidence() -> None:
    culprit = Culprit("package", "keras", "3.2.1", "3.3.1", between=1)
    made = explanation(
        culprits=(culprit,), minimal=False, unknown=3, exact=True, flaky=True, confidence=0.957, ended="after --time"
    )
    assert (
        "Of 14 changes; 1 release between the two could not be tested; 2 other candidates could not be decided; "
        "decided by a mixture of packages that no resolver gives; the trials are flaky, so that they were repeated: "
        "confidence 96%; the search ended after --time, so that it may be narrower." in explanation_text(made)
    )


def test_who_caps_the_culprit_or_asks_for_it_is_said() -> None:
    capped = explanation(requirers=(Requirer("tensorflow", "2.15.0", "<90"),))
    assert "required by tensorflow 2.15.0 (<90). Capped by tensorflow." in explanation_text(capped)
    asked = explanation(bad=failed(combination=combination(constraints=("Setuptools==84",))))
    assert "The case itself asks for Setuptools==84." in explanation_text(asked)
    assert "No installed package requires setuptools" in explanation_text(explanation(requirers=()))
    # Who requires it is looked up last.
    assert "requires" not in explanation_text(explanation(requirers=(), ended="after --time"))


def test_a_remedy_that_does_not_suffice_is_not_called_one() -> None:
    made = explanation(remedy=Remedy("setuptools<82.0.0", False, "fails at check: keras3-batch-shape"))
    assert "(tested, and not enough: fails at check: keras3-batch-shape)." in explanation_text(made)
    assert "Remedy, not tested: x<1." in explanation_text(explanation(remedy=Remedy("x<1", None)))


def test_no_answer_says_why() -> None:
    said = explanation(reproduced=False, culprits=(), reason="the bad end works: there is nothing to explain")
    assert explanation_text(said).startswith("Could not reproduce: the bad end works: there is nothing to explain.")
    said = explanation(culprits=(), ended="after 3 trials (--max-trials)")
    assert explanation_text(said).startswith("No culprit was found among 14 changes. The search ended after 3 trials")


def test_markdown_is_the_text_of_an_issue_and_obeys_no_message() -> None:
    hostile = failed(stage=Stage.IMPORT, message="`<b>@you`\n# x", signature="x")
    text = explanation_markdown(explanation(bad=hostile))
    assert text.startswith("### setuptools 81.0.0 → 82.0.0 (released 2026-02-08)\n")
    assert "`'<b>@you' # x`" in text
    assert "| keras | 3.2.1 | 3.2.1 |" in text
    assert "* known upstream: <https://github.com/tensorflow/hub/issues/934>" in text
