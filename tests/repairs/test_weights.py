"""Names of weights."""

from __future__ import annotations

from typing import Any

from support.topologies import document, entry, layer, sequential

from tfjs_compat.repairs.document import repair_document


def named(made: dict[str, Any], *names: str) -> list[str]:
    value = document(sequential(entry("i", [3], wired=False), made), list(names))
    manifest = repair_document(value).model_json["weightsManifest"]
    return [weight["name"] for weight in manifest[0]["weights"]]


def test_names_of_weights() -> None:
    dense = layer("Dense", "dense", units=3)
    assert named(dense, "sequential/dense/kernel", "sequential/dense/bias") == ["dense/kernel", "dense/bias"]
    assert named(dense, "kernel", "bias") == ["dense/kernel", "dense/bias"]
    assert named(dense, "dense/kernel", "dense/bias") == ["dense/kernel", "dense/bias"]
    depthwise = layer("DepthwiseConv2D", "deep", kernel_size=[3, 3], use_bias=False)
    assert named(depthwise, "sequential/deep/kernel") == ["deep/depthwise_kernel"]
    inner = layer("Dense", "d", units=3, use_bias=False)
    assert named(layer("TimeDistributed", "t", layer=inner), "sequential/t/d/kernel") == ["t/kernel"]


def test_names_of_a_bidirectional_layer() -> None:
    both = layer(
        "Bidirectional",
        "both",
        layer=layer("LSTM", "forward_reader", units=2, use_bias=False),
        backward_layer=layer("LSTM", "backward_reader", units=2, use_bias=False),
    )
    sides = [f"sequential/both/{side}_reader/lstm_cell/recurrent_kernel" for side in ("forward", "backward")]
    assert named(both, *sides) == [
        "both/forward_forward_reader/recurrent_kernel",
        "both/backward_forward_reader/recurrent_kernel",
    ]


def test_names_of_stacked_cells() -> None:
    cells = [layer("LSTMCell", "lstm_cell", units=2), layer("GRUCell", "gru_cell", units=2)]
    stacked = layer("RNN", "rnn", cell=layer("StackedRNNCells", "stacked", cells=cells))
    names = ("sequential/rnn/stacked/gru_cell/kernel", "rnn/stacked/lstm_cell/kernel")
    assert named(stacked, *names) == ["rnn/RNNCell_1/kernel", "rnn/RNNCell_0/kernel"]


def test_weights_whose_owner_is_not_certain_keep_their_names() -> None:
    both = ("one/dense/kernel", "two/dense/kernel")
    assert named(layer("Dense", "dense", units=3), *both) == list(both)
    optimizer = {"name": "sequential/dense/kernel", "shape": [3], "dtype": "float32", "group": "optimizer"}
    value = document(sequential(entry("i", [3], wired=False), layer("Dense", "dense", units=3)))
    value["weightsManifest"][0]["weights"] = [optimizer]
    assert repair_document(value).model_json["weightsManifest"] == value["weightsManifest"]
