"""Layers and operations that other layers compute."""

from __future__ import annotations

from typing import Any

import pytest
from support.repaired import repair_ids, repaired, wired
from support.topologies import call, document, entry, functional, layer, nodes_of, operation, sequential, tensor


def names_and_classes(config: dict[str, Any]) -> list[tuple[str, str]]:
    return [(member["config"]["name"], member["class_name"]) for member in config["layers"]]


@pytest.mark.parametrize(
    ("class_name", "arguments", "expected"),
    [
        ("Multiply", (tensor("x"), 2.0), {"scale": 2.0, "offset": 0.0}),
        ("Add", (3, tensor("x")), {"scale": 1.0, "offset": 3.0}),
        ("Subtract", (tensor("x"), 0.5), {"scale": 1.0, "offset": -0.5}),
        ("Subtract", (1.0, tensor("x")), {"scale": -1.0, "offset": 1.0}),
        ("TrueDivide", (tensor("x"), 4.0), {"scale": 0.25, "offset": 0.0}),
        ("Negative", (tensor("x"),), {"scale": -1.0, "offset": 0.0}),
        ("Tanh", (tensor("x"),), {"activation": "tanh"}),
        ("Softmax", (tensor("x"),), {"activation": "softmax"}),
    ],
)
def test_operations(class_name: str, arguments: tuple[Any, ...], expected: dict[str, Any]) -> None:
    config = {"axis": -1} if class_name == "Softmax" else {}
    made = wired(operation(class_name, "y", [call(*arguments)], **config))
    assert nodes_of(made, "y") == [[["x", 0, 0, {}]]]
    assert expected.items() <= made["layers"][1]["config"].items()


@pytest.mark.parametrize(
    ("class_name", "arguments"),
    [
        ("TrueDivide", (1.0, tensor("x"))),
        ("TrueDivide", (tensor("x"), 0)),
        ("Multiply", (tensor("x"), [1.0, 2.0])),
        ("Softmax", (tensor("x"),)),
        ("Exp", (tensor("x"),)),
        ("Multiply", ({**tensor("x"), "config": {**tensor("x")["config"], "dtype": "int32"}}, 2.0)),
    ],
)
def test_operations_that_no_layer_computes(class_name: str, arguments: tuple[Any, ...]) -> None:
    config = {"axis": 1} if class_name == "Softmax" else {}
    value = document(functional([entry("x", [3]), operation(class_name, "y", [call(*arguments)], **config)], [], []))
    assert "operation" not in repair_ids(value)


def test_subtract() -> None:
    config = wired(layer("Dense", "d", [call(tensor("x"))]), layer("Subtract", "y", [call([tensor("x"), tensor("d")])]))
    assert nodes_of(config, "y_negative") == [[["d", 0, 0, {}]]]
    assert nodes_of(config, "y") == [[["x", 0, 0, {}], ["y_negative", 0, 0, {}]]]
    assert ("y", "Add") in names_and_classes(config)
    keras2 = wired(layer("Subtract", "y", [[["x", 0, 0, {}], ["x", 0, 0, {}]]]), inputs=[["x", 0, 0]])
    assert nodes_of(keras2, "y") == [[["x", 0, 0, {}], ["y_negative", 0, 0, {}]]]


def test_pooling_that_keeps_its_axes() -> None:
    config = wired(layer("GlobalAveragePooling2D", "y", [call(tensor("x"))], keepdims=True))
    assert nodes_of(config, "y_pooled") == [[["x", 0, 0, {}]]]
    assert nodes_of(config, "y_once") == [[["y_pooled", 0, 0, {}]]]
    assert nodes_of(config, "y") == [[["y_once", 0, 0, {}]]]
    chain = repaired(sequential(entry("i", [4, 4, 2], wired=False), layer("GlobalMaxPooling2D", "p", keepdims=True)))
    classes = [member["class_name"] for member in chain["layers"]]
    assert classes == ["InputLayer", "GlobalMaxPooling2D", "RepeatVector", "TimeDistributed"]


def test_a_size_that_keras_worked_out() -> None:
    config = wired(
        layer("Reshape", "r", [call(tensor("x"))], target_shape=[-1, 3]),
        layer("Dense", "y", [call(tensor("r", shape=(None, 5, 3)))]),
    )
    assert config["layers"][1]["config"]["target_shape"] == [5, 3]
