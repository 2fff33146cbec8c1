"""What agreement on an output would prove."""

from __future__ import annotations

import numpy as np
import pytest
from support.inside import judgement

from tfjs_compat.outcomes.reference import NoProof

SOFTMAX = np.tile(np.array([0.0, 1.0, 0.0], "float32"), (3, 1))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.zeros((0, 3)), "empty"),
        (np.full((2, 3), np.inf), "not-finite"),
        (np.zeros((2, 3)), "zero"),
        (SOFTMAX, "saturated"),
        (np.ones((3, 1), "float32"), "saturated"),
        (np.full((3, 2), 0.25, "float32"), "constant"),
        (np.array(["a", "a"]), "constant"),
        (np.array([7]), "constant"),
    ],
)
def test_what_proves_nothing_says_of_which_kind_it_is(values: np.ndarray, kind: str) -> None:
    reason = judgement.why_nothing([values], 1e-6)
    assert reason.kind == kind
    assert NoProof(kind)


@pytest.mark.parametrize("values", [np.array([7]), np.array(7), np.array([[3, 3]]), np.array(["a"])])
def test_two_batches_with_different_answers_prove(values: np.ndarray) -> None:
    other = np.array(["b"]) if values.dtype.kind == "U" else values + 1
    assert judgement.why_nothing([values, values], 0.0) is not None
    assert judgement.why_nothing([values, other], 0.0) is None


def test_an_uneven_row_does_not_make_up_for_rows_that_are_all_the_same() -> None:
    assert judgement.why_nothing([SOFTMAX, SOFTMAX[:1]], 1e-6).kind == "saturated"
    half = np.array([[0.4999999], [0.5000001], [0.5000002]])
    assert judgement.why_nothing([half, half[:1] + 1e-7], 1e-5).kind == "constant"
    row = np.array([[1.0, 2.0]])
    assert judgement.why_nothing([row, row], 1e-6).kind == "constant"
    # The only row of a user, and the same twice.
    assert judgement.why_nothing([row, np.concatenate([row, row])], 1e-6) is None


def test_batches_of_other_sizes_are_not_compared_with_each_other() -> None:
    assert judgement.why_nothing([np.zeros((3, 2)), np.zeros((1, 4))], 1e-6).kind == "zero"


@pytest.mark.parametrize(("noise", "allowed"), [(None, 1e-7 + 1e-10), (1e-13, 8e-13 + 1e-10)])
def test_the_scale_of_a_small_output_decides_where_its_noise_is_known(noise: float | None, allowed: float) -> None:
    assert judgement.allowed_for(np.array([1e-6, -5e-7]), 1e-7, 1e-4, noise) == pytest.approx(allowed)


def test_zeros_may_differ_by_the_absolute_tolerance() -> None:
    assert judgement.allowed_for(np.zeros(3), 1e-7, 1e-4, 0.0) == 1e-7


def test_rows_that_differ_by_less_than_they_may_are_not_called_the_same() -> None:
    values = np.array([[1.0, 2.0], [1.2, 2.1]], "float32")
    reason = judgement.why_nothing([values], 0.1)
    assert (reason.kind, reason.words) == ("constant", "differs by 0.2 from row to row, and may differ by 0.1")
