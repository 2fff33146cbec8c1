"""BatchNormalization of five dimensions, as both generations of Keras write it."""

from __future__ import annotations

from typing import Any

import pytest

from tfjs_compat.artifact.layers import Layer
from tfjs_compat.checks.ranks import _input_rank


def norm(config: dict[str, Any], **entry: Any) -> Layer:
    return Layer("BatchNormalization", "norm", config, {}, "$", entry)


def node(*shape: int | None) -> list[Any]:
    return [{"args": [{"class_name": "__keras_tensor__", "config": {"shape": list(shape)}}], "kwargs": {}}]


@pytest.mark.parametrize(
    ("layer", "rank"),
    [
        (norm({"axis": [4]}), 5),
        (norm({"axis": [3]}), 4),
        (norm({"axis": -1}), None),
        (norm({"axis": -1}, inbound_nodes=node(None, 4, 8, 8, 2)), 5),
        (norm({"axis": -1}, inbound_nodes=node(None, 8, 8, 2)), 4),
        (norm({"axis": -1}, build_config={"input_shape": [None, 4, 8, 8, 2]}), 5),
        (norm({"axis": -1}, inbound_nodes=[[["x", 0, 0, {}]]]), None),
    ],
)
def test_the_rank_is_read_where_keras_wrote_it(layer: Layer, rank: int | None) -> None:
    assert _input_rank(layer) == rank
