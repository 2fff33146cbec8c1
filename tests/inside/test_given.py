"""Inputs that the user gives, against what the model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.inside import given, signatures

Spec = signatures.Spec

IMAGE = Spec("image", [None, 4, 4, 1], "float32")
META = Spec("meta", [None, 2], "int32")


def array(*shape: int, dtype: str = "float32") -> np.ndarray[Any, Any]:
    return np.ones(shape, dtype)


@pytest.mark.parametrize(
    ("inputs", "specs"),
    [
        ({"meta": array(3, 2, dtype="int32"), "image": array(3, 4, 4, 1)}, [IMAGE, META]),
        ({"arr_0": array(3, 4, 4, 1), "arr_1": array(3, 2)}, [IMAGE, META]),
        ({0: array(3, 4, 4, 1)}, [IMAGE]),
        ({"meta": array(3, 2, dtype="float64")}, [META]),
        ({"image": array(3, 4, 4, 1, dtype="uint8")}, [IMAGE]),
        ({"text": np.array(["a"])}, [Spec("text", [None], "string")]),
        ({"x": array(3, 4, 5)}, [Spec("x", [None], "float32")]),
    ],
    ids=["by name", "by number", "a list", "whole floats", "bytes", "texts", "an unknown shape"],
)
def test_inputs_that_fit(inputs: Any, specs: Any) -> None:
    found = given.matched(inputs, specs)
    assert [(name, values.dtype.name) for name, values in found if values.dtype.kind != "U"] == [
        (spec.name, spec.dtype) for spec in specs if spec.dtype != "string"
    ]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (["input_1"], ["input_layer"]),
        (["dense_input"], ["keras_tensor"]),
        (["input_1", "input_2"], ["input_layer", "input_layer_1"]),
        (["input_10", "input_9"], ["keras_tensor_3", "keras_tensor_12"]),
        (["input_0"], ["ids"]),
        (["input_1", "input_2"], ["query", "context"]),
    ],
)
def test_names_that_keras_makes_up_are_an_order(said: list[str], wanted: list[str]) -> None:
    specs = [Spec(name, [None, 1 + size], "float32") for size, name in enumerate(wanted)]
    numbers = sorted(said, key=lambda name: int(name.rpartition("_")[2]) if name[-1].isdigit() else 0)
    found = given.matched({name: array(2, 1 + numbers.index(name)) for name in said}, specs)
    assert [(name, values.shape) for name, values in found] == [(n, (2, 1 + i)) for i, n in enumerate(wanted)]


@pytest.mark.parametrize(
    ("inputs", "problem", "name"),
    [
        ({"imgae": array(3, 4, 4, 1), "meta": array(3, 2)}, "unknown", "imgae"),
        ({"image": array(3, 4, 4, 1)}, "missing", "meta"),
        ({"image": array(3, 4, 4, 1), "meta": array(3, 2), "more": array(3)}, "unknown", "more"),
        ({"arr_0": array(3, 4, 4, 1)}, "count", "arr_0"),
        ({"image": array(4, 4, 1), "meta": array(3, 2)}, "shape", "image"),
        ({"image": array(0, 4, 4, 1), "meta": array(0, 2)}, "shape", "image"),
        ({"image": array(3, 4, 5, 1), "meta": array(3, 2)}, "shape", "image"),
        ({"image": array(3, 4, 4, 1), "meta": array(3, 2) / 2}, "dtype", "meta"),
        ({"image": array(3, 4, 4, 1), "meta": np.full((3, 2), np.nan)}, "dtype", "meta"),
        ({"image": array(3, 4, 4, 1, dtype="complex64"), "meta": array(3, 2)}, "dtype", "image"),
        ({"image": np.full((3, 4, 4, 1), "a"), "meta": array(3, 2)}, "dtype", "image"),
        ({"a_input": array(3, 4, 4, 1), "b_input": array(3, 2)}, "unknown", "a_input"),
        ({}, "count", ""),
    ],
)
def test_inputs_that_are_not_the_models(inputs: Any, problem: str, name: str) -> None:
    with pytest.raises(given.WrongInputs) as raised:
        given.matched(inputs, [IMAGE, META])
    facts = raised.value.facts
    assert (facts["problem"], facts["name"]) == (problem, name)
    assert facts["takes"][0] == {"name": "image", "dtype": "float32", "shape": [None, 4, 4, 1]}


def test_values_that_an_input_cannot_hold() -> None:
    with pytest.raises(given.WrongInputs):
        given.matched({"x": array(1, 2) * 300}, [Spec("x", [None, 2], "uint8")])


def test_numbers_are_no_texts() -> None:
    with pytest.raises(given.WrongInputs):
        given.matched({"text": array(3)}, [Spec("text", [None], "string")])
