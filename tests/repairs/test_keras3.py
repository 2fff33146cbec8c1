"""Shapes and dtypes of Keras 3."""

from __future__ import annotations

from support.repaired import config_of, repaired
from support.topologies import FLOAT32, layer, sequential


def test_a_sequential_model_built_by_its_first_call() -> None:
    config = repaired(sequential(layer("Dense", "d"), build_input_shape=[None, 4]))
    assert config["layers"][0]["config"]["batch_input_shape"] == [None, 4]


def test_dtypes() -> None:
    assert config_of(layer("Dense", "d", dtype=FLOAT32))["dtype"] == "float32"
    mixed = {**FLOAT32, "config": {"name": "mixed_float16"}}
    assert config_of(layer("Dense", "d", dtype=mixed))["dtype"] == mixed
