"""Wires and ends of a Keras 3 model, in the words of Keras 2."""

from __future__ import annotations

from typing import Any

import pytest
from support.repaired import wired
from support.topologies import call, layer, nodes_of, operation, tensor


def test_initial_states_follow_the_input() -> None:
    states = [tensor("lstm", 0, 1), tensor("lstm", 0, 2)]
    config = wired(
        layer("LSTM", "lstm", [call(tensor("x"), mask=None, training=False)], return_state=True),
        layer("LSTM", "y", [call(tensor("x"), initial_state=states)]),
    )
    assert nodes_of(config, "lstm") == [[["x", 0, 0, {"training": False}]]]
    assert nodes_of(config, "y") == [[["x", 0, 0, {}], ["lstm", 0, 1, {}], ["lstm", 0, 2, {}]]]


def test_a_first_argument_by_name() -> None:
    assert nodes_of(wired(layer("Dense", "y", [call(inputs=tensor("x"))])), "y") == [[["x", 0, 0, {}]]]


def test_an_operation_that_is_a_merging_layer() -> None:
    config = wired(operation("Add", "y", [call(tensor("x"), tensor("x"))]))
    assert nodes_of(config, "y") == [[["x", 0, 0, {}], ["x", 0, 0, {}]]]


@pytest.mark.parametrize(
    "last",
    [
        operation("Multiply", "y", [call(tensor("x"), [2.0, 3.0])]),
        operation("Add", "y", [call(tensor("x"), tensor("x", shape=(3,)))]),
        operation("Average", "y", [call(tensor("x"), weights=None)], axis=1),
        operation("Reshape", "y", [call(tensor("x"))], newshape=[-1, 3]),
        operation("GetItem", "y", [call(tensor("x"), [{"class_name": "__slice__", "config": {}}])]),
        layer("LSTM", "y", [call(tensor("x"), mask=tensor("x"))]),
        layer("MultiHeadAttention", "y", [call(tensor("x"), tensor("x"), attention_mask=tensor("x"))]),
    ],
    ids=lambda entry: str(entry["class_name"]),
)
def test_what_cannot_be_wired_leaves_the_model_as_it_is(last: dict[str, Any]) -> None:
    config = wired(layer("Dense", "d", [call(tensor("x"))]), last)
    assert nodes_of(config, "d") == [call(tensor("x"))]
    assert nodes_of(config, "y") == last["inbound_nodes"]


def masked(mask: Any, **embedding: Any) -> dict[str, Any]:
    return wired(
        layer("Embedding", "e", [call(tensor("x"))], **{"mask_zero": True, **embedding}),
        operation("NotEqual", "n", [call(tensor("x"), 0)]),
        layer("LSTM", "y", [call(tensor("e"), mask=mask)]),
    )


def test_a_mask_that_tensorflow_js_makes_goes_with_its_operations() -> None:
    config = masked(tensor("n"))
    assert nodes_of(config, "y") == [[["e", 0, 0, {}]]]
    assert [entry["name"] for entry in config["layers"]] == ["x", "e", "y"]


def test_a_mask_that_only_one_of_the_two_would_use() -> None:
    assert nodes_of(masked(None), "y") == [call(tensor("e"), mask=None)]
    assert nodes_of(masked(tensor("n"), mask_zero=False), "y") == [call(tensor("e"), mask=tensor("n"))]


def test_an_operation_that_keras_names_outside_its_config() -> None:
    maximum = operation("Maximum", "m", [call(tensor("x"), tensor("x"))])
    del maximum["config"]["name"]
    config = wired(maximum, layer("Dense", "y", [call(tensor("m"))]))
    assert nodes_of(config, "y") == [[["m", 0, 0, {}]]]
    assert config["layers"][1]["config"]["name"] == "m"


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"b": ["y", 0, 0], "a": ["x", 0, 0]}, [["y", 0, 0], ["x", 0, 0]]),
        ([["y", 0, 0], [["x", 0, 0]]], [["y", 0, 0], ["x", 0, 0]]),
        ([["y", 0, 0]], [["y", 0, 0]]),
        ({"b": 3}, {"b": 3}),
    ],
)
def test_ends(outputs: Any, expected: Any) -> None:
    assert wired(layer("Dense", "y", [call(tensor("x"))]), outputs=outputs)["output_layers"] == expected
