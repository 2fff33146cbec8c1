"""Settings under other names, and layers that with them are another layer."""

from __future__ import annotations

from support.repaired import config_of, repaired
from support.topologies import entry, keras_object, layer, sequential


def test_settings() -> None:
    assert config_of(layer("LeakyReLU", "r", negative_slope=0.1))["alpha"] == 0.1
    assert config_of(layer("LeakyReLU", "r", negative_slope=0.3))["negative_slope"] == 0.3
    slope = config_of(layer("ReLU", "r", max_value=None, negative_slope=0.2, threshold=0.0))
    assert (slope["class_name"], slope["alpha"]) == ("LeakyReLU", 0.2)
    threshold = config_of(layer("ReLU", "r", max_value=None, negative_slope=0.0, threshold=0.4))
    assert (threshold["class_name"], threshold["theta"]) == ("ThresholdedReLU", 0.4)
    both = layer("ReLU", "r", max_value=None, negative_slope=0.2, threshold=0.4)
    assert config_of(both)["class_name"] == "ReLU"
    separable = config_of(
        layer("SeparableConv2D", "s", kernel_initializer=keras_object("initializers", "GlorotUniform"))
    )
    assert "kernel_initializer" not in separable
    idle = config_of(layer("RandomFlip", "f", mode="horizontal"))
    assert (idle["class_name"], idle["activation"]) == ("Activation", "linear")


def test_an_input_is_of_the_nearest_type_that_there_is() -> None:
    for dtype, becomes in (("int64", "int32"), ("uint8", "int32"), ("float64", "float32"), ("string", "string")):
        given = entry("i", [3], wired=False)
        given["config"]["dtype"] = dtype
        assert repaired(sequential(given, layer("Dense", "d")))["layers"][0]["config"]["dtype"] == becomes
