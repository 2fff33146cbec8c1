"""All repairs over a document: sound ones stay, repaired ones stay repaired, nothing makes them raise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.handmade import mutated
from support.repaired import loop
from support.topologies import keras2, keras3, nodes_of

from tfjs_compat.repairs.document import repair_document
from tfjs_compat.repairs.edits import Put, edited


def test_a_keras2_artifact_stays_as_it_is() -> None:
    value = keras2()
    done = repair_document(value)
    assert done.applied == ()
    assert done.model_json == value


def test_a_keras3_model_becomes_one_of_keras2() -> None:
    done = repair_document(keras3())
    assert [repair.id for repair in done.applied] == [
        "batch-shape",
        "flat-io-layers",
        "inbound-nodes",
        "dtype-policy",
        "weight-names",
    ]
    config = done.model_json["modelTopology"]["model_config"]["config"]
    assert config["layers"][0]["config"]["batch_input_shape"] == [None, 3]
    assert config["input_layers"] == [["x", 0, 0]]
    assert nodes_of(config, "base") == [[["x", 0, 0, {}]], [["x", 0, 0, {"training": False}]]]
    assert nodes_of(config, "add") == [[["base", 1, 0, {}], ["base", 2, 0, {}]]]
    # Of the ends Keras 3 counts the own node of a Functional model, not that of a Sequential one.
    assert config["output_layers"] == [["head", 1, 0], ["base", 1, 0]]
    names = [weight["name"] for weight in done.model_json["weightsManifest"][0]["weights"]]
    assert names == ["d/kernel", "d/bias", "e/kernel", "e/bias"]


def test_a_second_repair_finds_nothing_and_no_input_changes() -> None:
    value = keras3()
    before = copy.deepcopy(value)
    done = repair_document(value)
    assert value == before
    again = repair_document(done.model_json)
    assert again.applied == ()
    assert again.model_json == done.model_json


def test_paths_say_what_was_changed() -> None:
    applied = {repair.id: repair.paths for repair in repair_document(keras3()).applied}
    top = "$.modelTopology.model_config.config"
    assert f"{top}.layers[0].config.batch_shape" in applied["batch-shape"]
    assert f"{top}.layers[2].inbound_nodes" in applied["inbound-nodes"]
    assert applied["weight-names"] == (
        "$.weightsManifest[0].weights[2].name",
        "$.weightsManifest[0].weights[3].name",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["class_name", "config", "layers", "name", "inbound_nodes", "args", "kwargs", "keras_history", "dtype",
             "input_layers", "output_layers", "batch_shape", "node", "op", "input", "attr", "weights", "layer", "mask"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(JSON, JSON)
def test_any_document_is_repaired_once_and_stays_so(topology: Any, manifest: Any) -> None:
    value = {"modelTopology": topology, "weightsManifest": manifest}
    done = repair_document(value)
    assert repair_document(done.model_json).applied == ()


PATHS = st.sampled_from(
    [
        ("modelTopology", "model_config", "config", "layers", 1, "inbound_nodes"),
        ("modelTopology", "model_config", "config", "layers", 0, "config"),
        ("modelTopology", "model_config", "config", "layers", 2, "inbound_nodes", 0, "args"),
        ("modelTopology", "model_config", "config", "layers", 3, "config", "layers"),
        ("modelTopology", "model_config", "config", "layers", 1, "config", "output_layers"),
        ("modelTopology", "model_config", "config", "input_layers"),
        ("weightsManifest", 0, "weights", 2),
        ("weightsManifest", 0, "weights"),
    ]
)


@given(PATHS, JSON)
def test_a_damaged_keras3_model_makes_no_repair_raise(place: tuple[str | int, ...], value: Any) -> None:
    done = repair_document(edited(keras3(), [Put(place, value)]))
    assert repair_document(done.model_json).applied == ()


CASES: dict[str, Callable[[], dict[str, Any]]] = {"keras2": keras2, "keras3": keras3, "loop": loop}


@pytest.mark.parametrize("name", CASES)
def test_weights_change_nothing_but_names(name: str) -> None:
    value = CASES[name]()
    for before, after in zip(
        value["weightsManifest"], repair_document(value).model_json["weightsManifest"], strict=True
    ):
        assert after["paths"] == before["paths"]
        assert [{**weight, "name": ""} for weight in after["weights"]] == [
            {**weight, "name": ""} for weight in before["weights"]
        ]
    json.dumps(repair_document(value).model_json)


VALUES = st.sampled_from(
    [None, True, 1, -1, 0.5, "x", "3", [], [1], {}, {"a": 1}, ["x", 0, 0], {"args": [], "kwargs": 1}]
)


@settings(max_examples=400)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 10_000), VALUES, st.booleans())
def test_damage_anywhere_makes_no_repair_raise(name: str, at: int, value: object, remove: bool) -> None:
    damaged = mutated(CASES[name](), at, value, remove)
    done = repair_document(damaged)
    assert repair_document(done.model_json).applied == ()
