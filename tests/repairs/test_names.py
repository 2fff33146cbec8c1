"""Activations, initializers and regularizers under the names of TensorFlow.js."""

from __future__ import annotations

from typing import Any

import pytest
from support.repaired import config_of
from support.topologies import keras_object, layer


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("silu", "swish"),
        ("relu", "relu"),
        ("exponential", "exponential"),
        ({"module": "builtins", "class_name": "function", "config": "silu", "registered_name": "function"}, "swish"),
        ({"class_name": "function", "config": "mine>f"}, {"class_name": "function", "config": "mine>f"}),
    ],
)
def test_activations(given: Any, expected: Any) -> None:
    assert config_of(layer("Dense", "d", activation=given))["activation"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (keras_object("initializers", "OrthogonalInitializer", gain=1.0), "Orthogonal"),
        (keras_object("initializers", "LecunNormal", seed=None), "LeCunNormal"),
        ("lecun_uniform", "LeCunUniform"),
        (keras_object("initializers", "GlorotUniform", seed=None), "GlorotUniform"),
        ({"class_name": "own>Mine", "config": {"depth": 3}}, "Zeros"),
    ],
)
def test_initializers(given: Any, expected: str) -> None:
    assert config_of(layer("Dense", "d", kernel_initializer=given))["kernel_initializer"]["class_name"] == expected


def test_regularizers() -> None:
    l2 = config_of(layer("Dense", "d", kernel_regularizer=keras_object("regularizers", "L2", l2=0.5)))[
        "kernel_regularizer"
    ]
    assert (l2["class_name"], l2["config"]) == ("L1L2", {"l1": 0.0, "l2": 0.5})
    own = config_of(layer("Dense", "d", kernel_regularizer=keras_object("regularizers", "OrthogonalRegularizer")))
    assert own["kernel_regularizer"] is None
    reference_name = config_of(layer("Dense", "d", activity_regularizer=keras_object("regularizers", "L2", l2=0.5)))
    assert reference_name["activity_regularizer"] is None
