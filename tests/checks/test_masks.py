"""Layers that compute without the mask that another makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.handmade import examine_layers, input_layer, layer, sequential

EMBEDDING = layer("Embedding", "e", mask_zero=True, input_dim=9, output_dim=3)
AVERAGE = layer("GlobalAveragePooling1D", "a")
ZEROED = layer("LSTM", "l", units=3, return_sequences=True, zero_output_for_mask=True)


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ([EMBEDDING, AVERAGE], True),
        ([EMBEDDING, ZEROED], True),
        ([layer("Masking", "m"), ZEROED], True),
        ([AVERAGE, ZEROED], False),
    ],
)
def test_a_mask_that_a_layer_ignores_is_a_warning(tmp_path: Path, layers: list[dict[str, Any]], warned: bool) -> None:
    found = examine_layers(tmp_path, sequential(input_layer(shape=(None, 7)), *layers), {})
    assert [finding.severity for finding in found if finding.id == "mask-ignored"] == ["warning"] * warned
