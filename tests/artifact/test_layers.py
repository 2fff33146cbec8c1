"""The layers of a topology, read as TensorFlow.js reads them."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import entry, layer, sequential

from tfjs_compat.artifact.layers import camel_case, json_path, read_layers, walk


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a_b", "aB"),
        ("a__b", "aB"),
        ("a_", "a"),
        ("_", "_"),
        ("__", ""),
        ("L1L2", "L1L2"),
        ("x_1", "x1"),
        ("é_é", "é_é"),
    ],
)
def test_camel_is_that_of_tensorflow_js(text: str, wanted: str) -> None:
    assert camel_case(text) == wanted


def test_a_layer_knows_its_place() -> None:
    wrapped = layer("Bidirectional", "b", layer=layer("LSTM", "l"))
    value = {"keras_version": "3.15.1", "model_config": sequential(entry("i", [7], wired=False), wrapped)}
    root = read_layers(value).root
    assert root is not None
    for found in walk(root):
        there: Any = {"modelTopology": value}
        for key in found.place:
            there = there[key]
        assert there == found.entry
        assert json_path(found.place) == found.path
