"""Settings that TensorFlow.js refuses, passes over or treats otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.handmade import CONFIG, DENSE, FLAT, IMAGE, dense, examine_layers, input_layer, layer, sequential

L1L2 = {"class_name": "L1L2", "config": {}}


TRANSPOSED = {"filters": 2, "kernel_size": [3, 3], "strides": [2, 2], "output_padding": [1, 1]}


ONE = {"type": "ndarray", "value": 1}


REFUSED, IGNORED = "unsupported-setting", "ignored-setting"


@pytest.mark.parametrize(
    ("entry", "shape", "weights", "id", "key", "severity"),
    [
        (
            layer("SeparableConv2D", "s", filters=2, kernel_size=[3, 3], kernel_initializer="zeros"),
            IMAGE,
            {"s/depthwise_kernel": [3, 3, 3, 1], "s/pointwise_kernel": [1, 1, 3, 2], "s/bias": [2]},
            "separable-kernel-fields",
            "kernel_initializer",
            "error",
        ),
        (
            layer("GRU", "g", units=2, reset_after=True, use_bias=False),
            (None, 5, 4),
            {"g/gru_cell/kernel": [4, 6], "g/gru_cell/recurrent_kernel": [2, 6]},
            "gru-reset-after",
            "reset_after",
            "error",
        ),
        (layer("ELU", "e", alpha=0.5), FLAT, {}, REFUSED, "alpha", "error"),
        (
            layer("Conv1D", "c", filters=2, kernel_size=[3], padding="causal"),
            (None, 5, 4),
            {"c/kernel": [3, 4, 2], "c/bias": [2]},
            REFUSED,
            "padding",
            "error",
        ),
        (
            dense("dense", activity_regularizer=L1L2),
            FLAT,
            DENSE,
            REFUSED,
            "activity_regularizer",
            "error",
        ),
        (
            layer("UpSampling2D", "u", interpolation="bicubic"),
            IMAGE,
            {},
            REFUSED,
            "interpolation",
            "error",
        ),
        (
            layer("UpSampling2D", "u", interpolation="bilinear"),
            IMAGE,
            {},
            IGNORED,
            "interpolation",
            "warning",
        ),
        (layer("ReLU", "r", negative_slope=0.1), FLAT, {}, IGNORED, "negative_slope", "warning"),
        (
            layer("ReLU", "r", threshold=ONE),
            FLAT,
            {},
            IGNORED,
            "threshold",
            "warning",
        ),
        (layer("LeakyReLU", "l", negative_slope=0.2), FLAT, {}, IGNORED, "negative_slope", "warning"),
        (layer("GlobalAveragePooling2D", "p", keepdims=True), IMAGE, {}, IGNORED, "keepdims", "warning"),
        (layer("Softmax", "s", axis=1), (None, 4, 3), {}, REFUSED, "axis", "warning"),
        (layer("Reshape", "r", target_shape=[2, -1]), FLAT, {}, IGNORED, "target_shape", "warning"),
        (
            dense("dense", kernel_constraint="MaxNorm"),
            FLAT,
            DENSE,
            IGNORED,
            "kernel_constraint",
            "warning",
        ),
        (
            layer(
                "Conv2DTranspose",
                "t",
                filters=2,
                kernel_size=[3, 3],
                strides=[2, 2],
                padding="valid",
                output_padding=[1, 1],
            ),
            IMAGE,
            {"t/kernel": [3, 3, 2, 3], "t/bias": [2]},
            IGNORED,
            "output_padding",
            "warning",
        ),
    ],
)
def test_settings(tmp_path: Path, entry: Any, shape: Any, weights: Any, id: str, key: str, severity: str) -> None:
    found = examine_layers(tmp_path, sequential(input_layer(shape=shape), entry), weights)
    assert [(f.id, f.path, f.severity) for f in found] == [(id, f"{CONFIG}.layers[1].config.{key}", severity)]


def test_output_padding_that_changes_nothing_is_fine(tmp_path: Path) -> None:
    entry = layer("Conv2DTranspose", "t", padding="same", **TRANSPOSED)
    weights = {"t/kernel": [3, 3, 2, 3], "t/bias": [2]}
    assert examine_layers(tmp_path, sequential(input_layer(shape=IMAGE), entry), weights) == []


@pytest.mark.parametrize(
    ("dtype", "found"), [("int64", [REFUSED]), ("uint8", [REFUSED]), ("int32", []), ("string", [])]
)
def test_an_input_is_of_numbers_that_can_be_fed(tmp_path: Path, dtype: str, found: list[str]) -> None:
    given = input_layer(shape=FLAT)
    given["config"]["dtype"] = dtype
    assert [finding.id for finding in examine_layers(tmp_path, sequential(given, dense("dense")), DENSE)] == found
