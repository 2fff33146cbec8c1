"""Inputs that prove something, searched for without TensorFlow: a model is a function of arrays here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.inside import branches, search, signatures

TOLERANCE = {"absolute": 1e-7, "relative": 1e-4}


def searcher(function: Callable[[np.ndarray], np.ndarray], *shape: int | None, dtype: str = "float32") -> Any:
    spec = signatures.Spec("x", shape or (None, 8), dtype)
    found = search.Searcher(None, signatures.Signature([spec], lambda arrays: [("y", function(arrays[0]))]), TOLERANCE)
    found._leaves_nothing = lambda size, rows: False
    return found


def test_the_first_inputs_that_prove_are_taken() -> None:
    looking = searcher(lambda x: x.sum(axis=1))
    best = looking.search()
    assert best.proves
    assert (looking.tried, best.words) == (1, ["normal, mean 0, deviation 1"])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.round(np.clip(x.sum(axis=1) / 200, -5, 5)),  # only large values show
        lambda x: np.maximum(x.mean(axis=1) - 60, 0),  # a ReLU that is dead for small ones
        lambda x: np.clip(x.sum(axis=1) * 1e3, 0.9, 1.1) * 0 + np.tanh(x.mean(axis=1) * 1e-3 - 0.05).clip(0, 1),
    ],
)
def test_other_scales_are_tried_where_the_first_prove_nothing(function: Callable[[np.ndarray], np.ndarray]) -> None:
    looking = searcher(function)
    assert looking.search().proves
    assert looking.tried > 1


def test_a_constant_model_is_given_up_after_a_few() -> None:
    looking = searcher(lambda x: np.ones((len(x), 2)))
    assert not looking.search().proves
    assert looking.tried <= 11


def test_open_dimensions_get_a_size_at_which_something_comes_out() -> None:
    best = searcher(lambda x: x[:, 20:], None, None).search()
    assert best.inputs[0][1].shape == (3, 32)


@pytest.mark.parametrize(("in_any_case", "size"), [({"split"}, 16), (set(), 32), (None, 32)])
def test_what_is_empty_at_any_size_says_nothing_of_a_size(in_any_case: set[str] | None, size: int) -> None:
    looking = searcher(lambda x: x.sum(axis=1), None, None)
    del looking._leaves_nothing
    looking._empty_at = lambda size, rows: {16: {"split"}, 32: set()}.get(size, in_any_case)
    assert looking.search().inputs[0][1].shape == (3, size)


def test_a_size_at_which_nothing_shows_is_made_larger() -> None:
    looking = searcher(lambda x: x[:, 20:].sum(axis=1), None, None)
    best = looking.search()
    assert best.proves
    assert best.inputs[0][1].shape == (3, 32)
    assert looking.tried == 2


def test_a_model_that_takes_nothing_raises_its_own_error() -> None:
    def refuses(_: np.ndarray) -> np.ndarray:
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing"):
        searcher(refuses).search()


def test_the_second_batch_has_other_rows_sizes_and_values() -> None:
    looking = searcher(lambda x: x.sum(axis=1), None, None, 2)
    first = looking.search()
    second = looking.further(first)
    assert first.inputs[0][1].shape == (3, 16, 2)
    assert second.inputs[0][1].shape == (1, 24, 2)
    assert not np.array_equal(second.inputs[0][1][:, :16], first.inputs[0][1][:1])


@pytest.mark.parametrize(("least", "more"), [(0.0, 1), (50.0, 1), (1e9, 0)])
def test_inputs_are_sought_for_branches_that_none_takes(least: float, more: int) -> None:
    """A branch that is not there for any of the values tried is left as it is."""
    large = branches.Conditionals(["cond"], lambda inputs: [inputs[0][1].mean() > least])
    looking = searcher(lambda x: x.sum(axis=1))
    first = looking.search()
    found = looking.into_branches([first], large)
    assert len(found) == more
    left = large.every.difference(*(large.taken(each.inputs) for each in [first, *found]))
    assert len(left) == (not more)


def test_no_inputs_are_sought_where_every_branch_is_taken() -> None:
    both = branches.Conditionals(["cond"], lambda inputs: [inputs[0][1].shape[0] > 1])
    looking = searcher(lambda x: x.sum(axis=1))
    first = looking.search()
    assert looking.into_branches([first, looking.further(first)], both) == []


def test_a_fixed_batch_gets_other_values() -> None:
    looking = searcher(lambda x: x.sum(axis=1), 2, 4)
    first = looking.search()
    second = looking.further(first)
    assert second.inputs[0][1].shape == (2, 4)
    assert not np.array_equal(second.inputs[0][1], first.inputs[0][1])


@pytest.mark.parametrize(("rows", "then"), [(3, 1), (1, 2)])
def test_given_inputs_are_cut_or_repeated(rows: int, then: int) -> None:
    looking = searcher(lambda x: x * 2, None, 2)
    given = np.arange(rows * 2, dtype="float32").reshape(rows, 2)
    first = search.Attempt([("x", given)], [("y", given * 2)], ["given"], None)
    second = search.further_of_given(looking._signature, first)
    assert second.inputs[0][1].shape == (then, 2)


def test_the_noise_of_a_small_output_is_measured() -> None:
    small = searcher(lambda x: x.sum(axis=1) * np.float32(1e-9))
    best = small.search()
    assert best.proves
    assert 0 < best.noise["y"] < 1e-14
    # What is left of 1 - 1 is noise, however it is spread.
    cancelled = searcher(lambda x: (x[:, 0] + np.float32(1.0)) - np.float32(1.0) - x[:, 0])
    assert not cancelled.search().proves


class InvalidArgumentError(Exception):
    """As TensorFlow calls what an assertion in a model raises."""


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        (lambda x: (x < 0).any(), "uniform, 0 to 1 (the model raises on others)"),
        (lambda x: (x < 1).any(), "uniform, 1 to 2 (the model raises on others)"),
        (lambda x: (x != np.round(x)).any(), "integers, 0 to 1 (the model raises on others)"),
    ],
)
def test_a_model_that_asserts_its_range_gets_values_of_it(refuses: Callable[[np.ndarray], bool], words: str) -> None:
    def function(x: np.ndarray) -> np.ndarray:
        if refuses(x):
            raise InvalidArgumentError("assertion failed")
        return x.sum(axis=1)

    best = searcher(function).search()
    assert best.proves
    assert best.words == [words]


def test_other_errors_are_raised_at_once() -> None:
    calls = []

    def fails(x: np.ndarray) -> np.ndarray:
        calls.append(x)
        raise TypeError("no")

    with pytest.raises(TypeError):
        searcher(fails).search()
    assert len(calls) == 1


class KerasTensor:
    """A tensor as a Keras model gives it: its logits beside it."""

    def __init__(self, values: np.ndarray, logits: np.ndarray | None = None) -> None:
        self.values, self.shape = values, values.shape
        self._keras_logits = None if logits is None else KerasTensor(logits)

    def numpy(self) -> np.ndarray:
        return self.values


def softmax(logits: np.ndarray) -> KerasTensor:
    logits = logits.astype("float32")
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return KerasTensor((powers / powers.sum(axis=-1, keepdims=True)).astype("float32"), logits)


def sigmoid(logits: np.ndarray) -> KerasTensor:
    return KerasTensor((1 / (1 + np.exp(-logits))).astype("float32"), logits.astype("float32"))


@pytest.mark.parametrize(
    ("activation", "name", "factor"),
    [(softmax, "softmax", 1e-12), (softmax, "softmax", 1e6), (sigmoid, "sigmoid", 1e-12)],
)
def test_logits_prove_what_an_activation_hides(
    activation: Callable[[np.ndarray], KerasTensor], name: str, factor: float
) -> None:
    weights = np.random.RandomState(0).normal(size=(8, 5)) * factor
    looking = searcher(lambda x: activation(x @ weights))
    best = looking.search()
    assert best.proves
    assert looking.tried == 1
    assert best.reasons["y"] is not None
    assert best.logits["y"].activation == name
    assert best.logits_reasons == {"y": None}
    assert 0 <= best.logits_noise["y"] < 1e-5 * np.abs(best.logits["y"].values).max()


def test_logits_that_prove_nothing_do_not_help() -> None:
    constant = searcher(lambda x: softmax(np.ones((len(x), 5)) * np.arange(5)))
    assert not constant.search().proves
    rounding = searcher(lambda x: softmax((x[:, :5].astype("float32") + np.float32(1)) - np.float32(1) - x[:, :5]))
    assert not rounding.search().proves


def test_logits_are_not_needed_where_the_output_shows_itself() -> None:
    best = searcher(lambda x: softmax(x)).search()
    assert best.reasons == {"y": None}
    assert best.logits_reasons == {}
