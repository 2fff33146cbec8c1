"""Names that TensorFlow.js does not register."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.handmade import (
    CONFIG,
    DENSE,
    VOCABULARY,
    dense,
    errors,
    examine_layers,
    input_layer,
    layer,
    sequential,
    write,
)

from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.examine import examine


@pytest.mark.parametrize(
    ("config", "known"),
    [
        ({"activation": "relu"}, True),
        ({"activation": None}, True),
        ({"activation": "silu"}, False),
        ({"activation": {"class_name": "relu", "config": {}}}, True),
        ({"activation": {"module": "builtins", "class_name": "function", "config": "f"}}, False),
        ({"kernel_initializer": "glorot_uniform"}, True),
        ({"kernel_initializer": "lecun_normal"}, False),  # LeCunNormal in TensorFlow.js, LecunNormal in Keras
        ({"kernel_initializer": "leCunNormal"}, True),
        ({"kernel_initializer": {"class_name": "OrthogonalInitializer", "config": {}}}, False),
        ({"kernel_initializer": ""}, True),
        ({"kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.1}}}, False),
        ({"kernel_regularizer": "l1_l2"}, False),
        ({"kernel_regularizer": "l1l2"}, True),
        ({"kernel_constraint": "max_norm"}, True),
        ({"kernel_constraint": {"class_name": "Mine", "config": {}}}, False),
        ({"depthwise_regularizer": "L2"}, True),  # no Dense ever reads it
    ],
)
def test_names_that_are_not_registered(tmp_path: Path, config: dict[str, Any], known: bool) -> None:
    entry = dense("dense")
    entry["config"] |= config
    found = errors(examine_layers(tmp_path, sequential(input_layer(), entry), DENSE))
    assert found == ({} if known else {"unknown-layer": f"{CONFIG}.layers[1].config.{next(iter(config))}"})


def test_unknown_layers_are_found_wherever_they_are(tmp_path: Path) -> None:
    inner = sequential(input_layer(), dense("inside"), layer("Mine", "mine"), name="inner")
    wrapped = layer("TimeDistributed", "td", layer=layer("Other", "other"))
    stacked = layer("StackedRNNCells", "cells", cells=[layer("LSTMCell", "c", units=1), layer("NoCell", "n")])
    model = sequential(input_layer(), inner, wrapped, layer("RNN", "rnn", cell=stacked))
    found = examine_layers(tmp_path, model, {"inside/kernel": [4, 3], "inside/bias": [3]})
    assert [f.path for f in found if f.id == "unknown-layer"] == [
        f"{CONFIG}.layers[1].config.layers[2].class_name",
        f"{CONFIG}.layers[2].config.layer.class_name",
        f"{CONFIG}.layers[3].config.cell.config.cells[1].class_name",
    ]


def test_the_vocabulary_decides(tmp_path: Path) -> None:
    folder = write(tmp_path, sequential(input_layer(), dense("dense")), DENSE)
    small = Vocabulary(tfjs="0.1.0", classes=VOCABULARY.classes - {"Dense"}, ops=frozenset())
    assert "unknown-layer" in errors(examine(folder, small))


def test_an_object_without_class_and_config(tmp_path: Path) -> None:
    for number, value in enumerate([{}, {"class_name": "Zeros"}, {"class_name": "Zeros", "config": None}, 5]):
        entry = dense("dense", kernel_regularizer=value)
        assert "object-malformed" in errors(
            examine_layers(tmp_path / str(number), sequential(input_layer(), entry), DENSE)
        )
