"""What ended alike, and what no version cures."""

from __future__ import annotations

from typing import Any

import pytest
from support.samples import failed, result

from tfjs_compat.outcomes.reference import NoProof, Reference
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.endings import cause_of, decisive, endings


def ops(names: str, keras: str | None = "3.15.1", **more: Any) -> CaseResult:
    message = f"ValueError: Unsupported Ops in the model before optimization\n{names}"
    issue = {"issue": "unsupported-ops", "issues": ("unsupported-ops",)}
    return failed(**issue, message=message, signature=message, keras_in_use=keras, **more)


def ended(issue: str, stage: Stage, **more: Any) -> CaseResult:
    return failed(issue=issue, issues=(issue, *more.pop("behind", ())), stage=stage, **more)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (ops("Bucketize"), ops("StringFormat, Bucketize, Assert"), True),
        (ops("Bucketize"), ops("Erfc"), False),
        (failed(issue=None, issues=(), signature="a"), failed(issue=None, issues=(), signature="a"), True),
        (failed(issue=None, issues=(), signature="a"), failed(issue=None, issues=(), signature="b"), False),
        (failed(signature="in one wording"), failed(signature="in another"), True),
    ],
)
def test_what_shares_an_ending_ended_alike(one: CaseResult, other: CaseResult, alike: bool) -> None:
    assert bool(endings(one) & endings(other)) == alike


def test_predictions_that_differ_by_another_amount_have_one_cause() -> None:
    one, other = (
        result(verdict=Verdict.MISMATCH, issue="numbers-differ", issues=("numbers-differ",), message=message)
        for message in ("y: 3 of 4 values differ by 0.25", "y: 4 of 4 values differ by 1.5e-2")
    )
    assert cause_of(one) == cause_of(other)


def test_one_failure_in_the_model_itself_decides() -> None:
    found = decisive([ended("module-not-found", Stage.BUILD)])
    assert found is not None


@pytest.mark.parametrize(("other", "decides"), [("2.21.0", True), ("3.2.1", False)])
def test_an_operation_decides_where_both_generations_have_it(other: str, decides: bool) -> None:
    found = decisive([ops("Bucketize"), ops("Assert, Bucketize", other)])
    assert (found is not None) == decides


def test_an_operation_decides_where_there_is_one_generation() -> None:
    assert decisive([ops("Bucketize")]) is None
    assert decisive([ops("Bucketize")], one_generation=True) is not None


def test_a_saved_model_has_no_generation() -> None:
    assert decisive([ops("Bucketize", keras=None)]) is not None


def test_what_a_repair_cured_does_not_decide() -> None:
    broken = ended("keras3-batch-shape", Stage.CHECK, behind=("unknown-layer",))
    repaired = ended("numbers-differ", Stage.PREDICT, verdict=Verdict.MISMATCH)
    assert decisive([broken]) is not None
    assert decisive([broken, repaired]) is None


def test_the_result_that_says_first_what_decides_is_named() -> None:
    behind = ended("keras3-batch-shape", Stage.CHECK, behind=("unknown-layer",))
    plain = ended("unknown-layer", Stage.CHECK)
    assert decisive([behind, plain]) is plain


def test_a_reference_that_proves_nothing_decides_wherever_the_case_failed() -> None:
    random = ended("node-not-in-graph", Stage.CONVERT, reference=Reference(no_proof=NoProof.RANDOM, why="two differ"))
    loads = ended("proves-nothing", Stage.PREDICT, verdict=Verdict.CONVERTS, reference=random.reference)
    assert decisive([random]) is random
    assert decisive([random, loads]) is loads
    # That it could not be run here says nothing of other versions, unless it was converted all the same.
    unknown = ended("node-not-in-graph", Stage.CONVERT, reference=Reference(no_proof=NoProof.NO_REFERENCE))
    assert decisive([unknown]) is None
