"""Layers put before or behind a layer."""

from __future__ import annotations

from support.repaired import repair_ids, repaired, wired
from support.topologies import call, document, entry, layer, nodes_of, sequential, tensor

from tfjs_compat.repairs.document import repair_document


def test_users_of_an_activation_take_from_its_chain() -> None:
    config = wired(
        layer("Dense", "d", [call(tensor("x"))], activation="hard_silu", dtype="float32"),
        layer("Dense", "y", [call(tensor("d"))], activation="leaky_relu", dtype="float32"),
    )
    assert nodes_of(config, "d_activation") == [[["d", 0, 0, {}], ["d_activation_2", 0, 0, {}]]]
    assert nodes_of(config, "d_activation_0") == [[["d", 0, 0, {}]]]
    assert nodes_of(config, "y") == [[["d_activation", 0, 0, {}]]]
    assert config["output_layers"] == [["y_activation_0", 0, 0]]
    assert config["layers"][1]["config"]["activation"] == "linear"


def test_hard_sigmoid_is_another_function_in_keras3_only() -> None:
    root = sequential(entry("i", [3], wired=False), layer("Dense", "d", activation="hard_sigmoid"))
    done = repair_document(document(root)).model_json["modelTopology"]["model_config"]["config"]
    assert [member["class_name"] for member in done["layers"][1:]] == ["Dense", "Rescaling", "ReLU", "Rescaling"]
    assert "activation-chain" not in repair_ids(document(root, version="2.15.0"))


def test_an_input_whose_shape_would_be_overwritten() -> None:
    encoding = layer("CategoryEncoding", "y", [call(tensor("x"))], num_tokens=20, output_mode="one_hot")
    config = wired(encoding)
    assert nodes_of(config, "y") == [[["y_input", 0, 0, {}]]]
    assert nodes_of(config, "y_input") == [[["x", 0, 0, {}]]]
    crop = sequential(entry("i", [8, 8, 3], wired=False), layer("CenterCrop", "c", height=4, width=4))
    assert [member["class_name"] for member in repaired(crop)["layers"]] == ["InputLayer", "Reshape", "CenterCrop"]
