"""Functions that Keras 3 defines otherwise than TensorFlow.js."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.handmade import VOCABULARY, input_layer, layer, sequential, write

from tfjs_compat.checks.examine import examine


@pytest.mark.parametrize(("version", "warned"), [("3.15.1", True), ("2.15.0", False), (None, False)])
def test_hard_sigmoid_is_another_function_in_keras3_only(tmp_path: Path, version: str | None, warned: bool) -> None:
    model = sequential(input_layer(), layer("LSTM", "l", units=1, recurrent_activation="hard_sigmoid"))
    found = examine(write(tmp_path, {"keras_version": version, "model_config": model}, {}), VOCABULARY)
    assert [finding.severity for finding in found if finding.id == "activation-redefined"] == ["warning"] * warned
