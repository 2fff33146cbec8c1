"""What a builder calls its model with, and the same call with other tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.inside import calls


class Model:
    """Stands for keras.Model, which has the ``__call__`` of its parent."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.call(*args, **keywords)  # type: ignore[attr-defined]


class Whole(Model):
    def call(self, inputs: Any, mask: Any = None, training: Any = None, deep: bool = False) -> Any:
        return "called"


class Pieces(Model):
    def call(self, x: Any, hidden: Any, encoded: Any = None) -> Any:
        return "called"


IDS, NUMBERS = np.zeros((2, 3), "int64"), np.zeros((2, 5), "float32")


def called(model: Model, *args: Any, **keywords: Any) -> Any:
    seen = calls.Calls()
    with seen.recorded(Model):
        assert model(*args, **keywords) == "called"
    return seen.of(model)


@pytest.mark.parametrize(
    ("model", "args", "keywords", "leaves", "text"),
    [
        (Whole(), ([IDS, NUMBERS],), {}, ["inputs_0", "inputs_1"], "model([inputs[0], inputs[1]], training=False)"),
        (Whole(), ((IDS, NUMBERS),), {}, ["inputs_0", "inputs_1"], "model((inputs[0], inputs[1],), training=False)"),
        (
            Whole(),
            ({"user": IDS, "more": {"price": NUMBERS}},),
            {},
            ["user", "price"],
            "model({'user': inputs[0], 'more': {'price': inputs[1]}}, training=False)",
        ),
        (
            Whole(),
            (NUMBERS,),
            {"mask": IDS, "training": True, "deep": True},
            ["inputs", "mask"],
            "model(inputs[0], mask=inputs[1], deep=True, training=False)",
        ),
        (Pieces(), (IDS, NUMBERS, None), {}, ["x", "hidden"], "model(inputs[0], inputs[1], None, training=False)"),
    ],
)
def test_a_call_is_repeated_with_other_tensors(
    model: Model, args: tuple[Any, ...], keywords: dict[str, Any], leaves: list[str], text: str
) -> None:
    found = called(model, *args, **keywords)
    assert found.leaves == [(leaves[0], *of(found, 0)), (leaves[1], *of(found, 1))]
    assert {(tuple(shape), dtype) for _, shape, dtype in found.leaves} == {
        ((None, 3), "int64"),
        ((None, 5), "float32"),
    }
    assert found.text == text
    again = called(model, *found.packed([IDS, NUMBERS])[0], **found.packed([IDS, NUMBERS])[1])
    assert again.text == text
    assert not found.is_plain


def of(found: Any, place: int) -> tuple[Any, ...]:
    return tuple(found.leaves[place][1:])


def test_one_tensor_of_floats_is_what_keras_exports_itself() -> None:
    assert called(Whole(), NUMBERS).is_plain
    assert not called(Whole(), IDS).is_plain
    assert not called(Whole(), [NUMBERS]).is_plain


def test_names_that_come_twice_are_told_apart() -> None:
    found = called(Whole(), {"a": {"x": IDS}, "b": {"x": NUMBERS}})
    assert [name for name, _, _ in found.leaves] == ["x", "x_1"]


def test_the_first_call_counts_and_nothing_stays_behind() -> None:
    seen, model = calls.Calls(), Whole()
    with seen.recorded(Model):
        model(IDS)
        model(NUMBERS)
    model([NUMBERS])
    assert seen.of(model).leaves == [("inputs", [None, 3], "int64")]
    assert seen.of(Whole()) is None
    assert called(Whole(), None) is None
    with pytest.raises(KeyError), calls.Calls().recorded(Whole):
        raise KeyError
    assert "__call__" not in vars(Whole)
