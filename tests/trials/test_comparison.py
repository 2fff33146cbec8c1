import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfjs_compat.artifact.tensors import Tensor
from tfjs_compat.outcomes.parity import ABSOLUTE, RELATIVE, Parity, Tolerance
from tfjs_compat.trials.comparison import compare

floats = hnp.arrays(
    "float32",
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=2),
    elements=st.floats(-1e6, 1e6, width=32),
)
VARIED = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], "float32")


def against(expected: np.ndarray, actual: np.ndarray, **options: Tolerance) -> Parity:
    return compare([Tensor("y", expected)], [Tensor("y", actual)], **options)


@given(values=floats)
def test_equal_numbers_agree(values: np.ndarray) -> None:
    parity = against(values, values.copy())
    assert parity.agrees
    assert parity.disagreement is None
    assert parity.max_abs == 0.0


@given(values=floats, factor=st.floats(0.01, 0.9))
def test_differences_below_the_tolerance_agree(values: np.ndarray, factor: float) -> None:
    allowed = ABSOLUTE + RELATIVE * float(np.abs(values).max())
    assert against(values.astype("float64"), values.astype("float64") + factor * allowed).agrees


@given(values=floats, data=st.data(), factor=st.floats(1.1, 1e6))
def test_one_difference_above_the_tolerance_does_not_agree(
    values: np.ndarray, data: st.DataObject, factor: float
) -> None:
    wrong = values.astype("float64")
    wrong.flat[data.draw(st.integers(0, wrong.size - 1))] += factor * (
        ABSOLUTE + RELATIVE * float(np.abs(values).max())
    )
    parity = against(values.astype("float64"), wrong)
    assert not parity.agrees
    assert "1 of" in (parity.disagreement or "")


@given(values=floats, scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_whether_it_is_informative_does_not_depend_on_the_unit(values: np.ndarray, scale: float) -> None:
    values = np.round(values)
    assert (
        against(values, values).informative
        == against(values * np.float64(scale), values * np.float64(scale)).informative
    )


@given(values=hnp.arrays("float32", (2, 3), elements=st.floats(width=32)), other=hnp.arrays("float32", (2, 3)))
def test_any_numbers_give_a_parity_that_can_be_stored(values: np.ndarray, other: np.ndarray) -> None:
    parity = against(values, other)
    assert parity.agrees == (parity.disagreement is None)
    assert parity.informative == (parity.uninformative_reason is None)
    assert msgspec.json.decode(msgspec.json.encode(parity), type=Parity).agrees == parity.agrees


@pytest.mark.parametrize(
    ("expected", "actual", "agrees"),
    [
        ([1.0, np.nan, 2.0], [1.0, np.nan, 2.0], True),
        ([1.0, np.nan, 2.0], [1.0, 0.0, 2.0], False),
        ([1.0, 0.0, 2.0], [1.0, np.nan, 2.0], False),
        ([1.0, np.nan, 2.0], [np.nan, 1.0, 2.0], False),
        ([1.0, np.inf, 2.0], [1.0, np.inf, 2.0], True),
        ([1.0, np.inf, 2.0], [1.0, -np.inf, 2.0], False),
        ([1.0, np.inf, 2.0], [1.0, np.nan, 2.0], False),
        ([1.0, np.inf, 2.0], [1.0, 3e38, 2.0], False),
    ],
)
def test_nan_and_infinity_must_stand_in_the_same_places(expected: list, actual: list, agrees: bool) -> None:
    parity = against(np.array(expected), np.array(actual))
    assert parity.agrees is agrees
    assert parity.outputs[0].nonfinite_agree is agrees


def test_a_wide_softmax_with_other_weights_is_a_mismatch() -> None:
    rng = np.random.default_rng(0)

    def softmax(logits: np.ndarray) -> np.ndarray:
        powers = np.exp(logits)
        return (powers / powers.sum(axis=1, keepdims=True)).astype("float32")

    expected, other = softmax(rng.normal(0, 0.3, (2, 1000))), softmax(rng.normal(0, 0.3, (2, 1000)))
    assert np.abs(expected - other).max() < 5e-3, "upstream's tolerance lets it through"
    assert not against(expected, other).agrees
    assert against(expected, expected).informative


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((2, 3)), "is all zero"),
        (np.ones((2, 3)), "same for every row"),
        (np.tile([1.0, 2.0, 3.0], (2, 1)), "same for every row"),
        (np.array([[1.0, 2.0, 3.0], [1.00001, 2.00001, 3.00001]]), "same for every row"),
        (np.full((1, 3), 0.25), "is constant"),
        (np.full((2, 3), np.nan), "NaN or infinite everywhere"),
        (np.array([[np.nan, 1.0], [2.0, np.nan]]), "finite in every row"),
        (np.zeros((0, 3)), "is empty"),
        (np.array(["a", "a"]), "same for every row"),
        (np.array([[7], [7]]), "same for every row"),
    ],
)
def test_agreement_of_an_uninformative_output_is_no_proof(values: np.ndarray, reason: str) -> None:
    parity = against(values, values)
    assert parity.agrees
    assert not parity.informative
    assert reason in (parity.uninformative_reason or "")


@pytest.mark.parametrize("values", [VARIED, VARIED[:1], np.array(["a", "b"]), np.array([True, False]), np.array(0.37)])
def test_an_output_that_varies_is_informative(values: np.ndarray) -> None:
    assert against(values, values).informative


def test_one_informative_output_is_enough_and_rows_say_which() -> None:
    outputs = [Tensor("a", np.zeros((2, 3))), Tensor("b", VARIED)]
    parity = compare(outputs, outputs)
    assert parity.informative
    assert [row.informative for row in parity.outputs] == [False, True]


def test_shape_and_dtype_must_agree() -> None:
    assert "shape [3, 2]" in (against(VARIED, VARIED.T).disagreement or "")
    assert "dtype int32" in (against(VARIED, VARIED.astype("int32")).disagreement or "")
    assert against(np.array([[1], [2]], "int64"), np.array([[1], [2]], "int32")).agrees
    assert against(VARIED.astype("float64"), VARIED).agrees


def test_integers_booleans_and_strings_are_equal_or_not() -> None:
    assert not against(np.array([100000, 1]), np.array([100001, 1])).agrees
    assert not against(np.array([True, False]), np.array([True, True])).agrees
    assert "1 of 2 strings" in (against(np.array(["a", "b"]), np.array(["a", "c"], object)).disagreement or "")


def test_half_precision_is_given_its_rounding() -> None:
    half = VARIED.astype("float16")
    rounded = (half.astype("float32") * (1 + 2e-3)).astype("float32")
    assert against(half, rounded).agrees
    assert not against(half.astype("float32"), rounded).agrees


def test_outputs_are_matched_by_name_else_by_order() -> None:
    a, b = VARIED, VARIED * 2
    assert compare([Tensor("a", a), Tensor("b", b)], [Tensor("b", b), Tensor("a", a)]).agrees
    assert compare([Tensor("a", a), Tensor("b", b)], [Tensor("x", a), Tensor("y", b)]).agrees
    assert not compare([Tensor("a", a), Tensor("b", b)], [Tensor("x", b), Tensor("y", a)]).agrees


def test_missing_and_surplus_outputs_are_a_disagreement() -> None:
    one = Tensor("a", VARIED)
    assert "output a: missing" in (compare([one], []).disagreement or "")
    assert "more than expected" in (compare([one], [one, Tensor("b", VARIED)]).disagreement or "")
    assert not compare([], []).agrees


def test_the_tolerance_is_stated() -> None:
    strict = Tolerance(absolute=0.0, relative=1e-9)
    parity = against(VARIED, VARIED * np.float32(1 + 1e-6), tolerance=strict)
    assert not parity.agrees
    assert parity.tolerance == strict
    assert parity.max_rel is not None
    assert 5e-7 < parity.max_rel < 2e-6


def batches(*arrays: np.ndarray, **more: object) -> list[Tensor]:
    return [Tensor("y", array, number, **more) for number, array in enumerate(arrays)]  # type: ignore[arg-type]


def test_every_batch_is_compared_and_the_wrong_one_named() -> None:
    one = VARIED[:1]
    agreeing = compare(batches(VARIED, one), batches(VARIED, one))
    assert (agreeing.agrees, agreeing.comparisons, len(agreeing.outputs)) == (True, 2, 1)
    wrong = compare(batches(VARIED, one), batches(VARIED, one + 1))
    assert wrong.disagreement == (
        "output y: 3 of 3 values differ by up to 1 (allowed: 0.0003), in the batch of shape [1, 3]"
    )
    missing = compare(batches(VARIED, one), batches(VARIED))
    assert "missing" in (missing.disagreement or "")


def test_an_integer_is_proven_by_two_batches_with_other_answers() -> None:
    seven, eight = np.array([7]), np.array([8])
    assert not compare(batches(seven, seven), batches(seven, seven)).informative
    assert compare(batches(seven, eight), batches(seven, eight)).informative


def test_what_differs_from_itself_is_not_compared() -> None:
    random = [Tensor("r", VARIED, random=True), Tensor("y", VARIED)]
    parity = compare(random, [Tensor("r", VARIED + 1), Tensor("y", VARIED)])
    assert parity.agrees
    assert [row.informative for row in parity.outputs] == [False, True]
    alone = compare(random[:1], random[:1])
    assert not alone.informative
    assert "differs from itself in Python" in (alone.uninformative_reason or "")


def test_complex_numbers_are_compared() -> None:
    values = (VARIED + 1j * VARIED[::-1]).astype("complex64")
    assert against(values, values).informative
    assert not against(values, values.conj()).agrees


def test_outputs_as_small_as_their_noise_prove_nothing() -> None:
    tiny = (VARIED * 1e-6).astype("float32")
    quiet = compare(batches(tiny, noise=1e-14), batches(tiny))
    assert quiet.informative
    assert not compare(batches(tiny, noise=1e-14), batches(tiny * np.float32(1.01))).agrees
    assert not compare(batches(tiny, noise=1e-6), batches(tiny)).informative


def test_logits_decide_where_the_output_is_the_same_for_every_row() -> None:
    flat, small = np.full((2, 3), 1 / 3, "float32"), VARIED * np.float32(1e-12)
    expected = [Tensor("y", flat), Tensor("y", small, noise=0.0, logits="softmax")]
    agreeing = compare(expected, [Tensor("y", flat), Tensor("y", small * np.float32(1 + 1e-6), logits="softmax")])
    assert agreeing.agrees
    assert agreeing.informative
    assert [row.informative for row in agreeing.outputs] == [False]
    assert [row.name for row in agreeing.logits] == ["y"]
    wrong = compare(expected, [Tensor("y", flat), Tensor("y", small[::-1], logits="softmax")])
    assert not wrong.agrees
    assert "logits of output y" in (wrong.disagreement or "")
    # The artifact may have fused them with what follows.
    without = compare(expected, [Tensor("y", flat)])
    assert without.agrees
    assert not without.informative
    assert without.logits == []
