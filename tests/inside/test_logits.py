"""What the last softmax or sigmoid of an output is given, as Keras keeps it."""

from __future__ import annotations

import numpy as np
import pytest
from support.inside import logits

NUMBERS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], "float32")


class Tensor:
    def __init__(self, values: np.ndarray, kept: Tensor | None = None) -> None:
        self.values, self.shape, self._keras_logits = values, values.shape, kept

    def numpy(self) -> np.ndarray:
        return self.values


def test_the_activation_is_told_by_the_numbers() -> None:
    powers = np.exp(NUMBERS)
    for name, values in (("softmax", powers / powers.sum(axis=-1, keepdims=True)), ("sigmoid", 1 / (1 + 1 / powers))):
        found = logits.of(Tensor(values, Tensor(NUMBERS)), values)
        assert found.activation == name
        assert found.values is NUMBERS


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (NUMBERS, None),
        (NUMBERS, Tensor(NUMBERS)),  # another activation followed
        (NUMBERS, Tensor(NUMBERS[:1])),
        (np.full((2, 3), 1 / 3), Tensor(NUMBERS * np.float32(1e-38))),  # too small for float32
        (np.full((2, 3), 1 / 3), Tensor(np.zeros((2, 3), "float32"))),
        (np.full((2, 3), 0.5), Tensor(NUMBERS.astype("float16") * 0)),
    ],
)
def test_what_cannot_be_compared_is_left_out(values: np.ndarray, kept: Tensor | None) -> None:
    assert logits.of(Tensor(values, kept), values) is None
