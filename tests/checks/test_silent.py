"""What a layers model computes otherwise without a word: warnings, for the numbers may still agree."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import FLOAT32, entry, layer, sequential

from tfjs_compat.artifact.layers import Layer, at_place, read_layers, walk
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.keras3 import check_keras3
from tfjs_compat.checks.settings import check_definitions, check_settings


def topology(*layers: dict[str, Any], version: str = "3.15.1") -> dict[str, Any]:
    return {"keras_version": version, "model_config": sequential(entry("i", [7], wired=False), *layers)}


def root_of(value: dict[str, Any]) -> Layer:
    root = read_layers(value).root
    assert root is not None
    return root


def silent(value: dict[str, Any]) -> list[tuple[str, str]]:
    root = root_of(value)
    every = Vocabulary("4.22.0", frozenset(one.class_name for one in walk(root)), frozenset())
    found = [*check_settings(root, every), *check_definitions(value, root), *check_keras3(root, every)]
    ids = ("mask-ignored", "activation-redefined", "mixed-precision")
    return [(one.id, one.severity) for one in found if one.id in ids]


EMBEDDING = layer("Embedding", "e", mask_zero=True, input_dim=9, output_dim=3)
AVERAGE = layer("GlobalAveragePooling1D", "a")
ZEROED = layer("LSTM", "l", units=3, return_sequences=True, zero_output_for_mask=True)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([EMBEDDING, AVERAGE], [("mask-ignored", "warning")]),
        ([EMBEDDING, ZEROED], [("mask-ignored", "warning")]),
        ([layer("Masking", "m"), ZEROED], [("mask-ignored", "warning")]),
        ([AVERAGE, ZEROED], []),
        ([layer("LSTM", "l", recurrent_activation="hard_sigmoid")], [("activation-redefined", "warning")]),
        ([layer("Dense", "d", dtype=FLOAT32)], []),
        (
            [layer("Dense", "d", dtype={**FLOAT32, "config": {"name": "mixed_bfloat16"}})],
            [("mixed-precision", "warning")],
        ),
    ],
)
def test_what_is_computed_otherwise(layers: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert silent(topology(*layers)) == expected


def test_hard_sigmoid_of_keras2_is_that_of_tensorflow_js() -> None:
    assert silent(topology(layer("Dense", "d", activation="hard_sigmoid"), version="2.15.0")) == []


def test_a_layer_knows_its_place() -> None:
    value = topology(layer("Bidirectional", "b", layer=layer("LSTM", "l")))
    for one in walk(root_of(value)):
        entry_there: Any = {"modelTopology": value}
        for key in one.place:
            entry_there = entry_there[key]
        assert entry_there == one.entry
        assert at_place(one.place) == one.path
