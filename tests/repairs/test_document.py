"""Each repair on the smallest model.json that has its defect, written as the Keras release that writes it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.topologies import (
    FLOAT32,
    call,
    document,
    entry,
    functional,
    keras2,
    keras3,
    layer,
    nodes_of,
    operation,
    sequential,
    tensor,
)

from tfjs_compat.checks.catalogue import CHECKS
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.repairs.catalogue import REPAIRS
from tfjs_compat.repairs.document import repair
from tfjs_compat.repairs.edits import Drop, Put, Rename, edited
from tfjs_compat.repairs.unrepairable import unrepairable


def ids(value: dict[str, Any]) -> list[str]:
    return [one.id for one in repair(value).applied]


def repaired(root: dict[str, Any], weights: list[str] = []) -> dict[str, Any]:  # noqa: B006
    config = repair(document(root, weights)).model_json["modelTopology"]["model_config"]["config"]
    assert isinstance(config, dict)
    return config


def test_catalogue_names_findings_that_exist_and_repairs_once() -> None:
    assert len({one.id for one in REPAIRS}) == len(REPAIRS)
    for one in REPAIRS:
        assert set(one.cures) <= set(CHECKS), one.id
        assert one.title
        assert one.versions
        assert one.formats


def test_a_keras2_artifact_stays_as_it_is() -> None:
    value = keras2()
    done = repair(value)
    assert done.applied == ()
    assert done.model_json == value


def test_a_keras3_model_becomes_one_of_keras2() -> None:
    done = repair(keras3())
    assert [one.id for one in done.applied] == [
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
    names = [one["name"] for one in done.model_json["weightsManifest"][0]["weights"]]
    assert names == ["d/kernel", "d/bias", "e/kernel", "e/bias"]


def test_the_input_is_not_changed_and_a_second_repair_finds_nothing() -> None:
    value = keras3()
    before = copy.deepcopy(value)
    done = repair(value)
    assert value == before
    again = repair(done.model_json)
    assert again.applied == ()
    assert again.model_json == done.model_json


def test_only_the_repairs_that_are_asked_for() -> None:
    assert [one.id for one in repair(keras3(), only=["dtype-policy"]).applied] == ["dtype-policy"]


def test_paths_say_what_was_changed() -> None:
    applied = {one.id: one.paths for one in repair(keras3()).applied}
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
def test_no_document_makes_it_raise_and_what_is_repaired_stays_repaired(topology: Any, manifest: Any) -> None:
    value = {"modelTopology": topology, "weightsManifest": manifest}
    done = repair(value)
    assert repair(done.model_json).applied == ()


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
def test_a_damaged_keras3_model_makes_no_repair_raise_or_go_on_for_ever(
    place: tuple[str | int, ...], value: Any
) -> None:
    done = repair(edited(keras3(), [Put(place, value)]))
    assert repair(done.model_json).applied == ()


# ------------------------------------------------------------------------------------------------------- edits


def test_edits() -> None:
    value = {"a": [1, {"b": 2, "c": None, "d": 4}, 3], "e": 5}
    edits = [Rename(("a", 1, "b"), "c"), Drop(("a", 0)), Put(("a", 1, "d"), 7), Put(("f",), 6)]
    assert edited(value, edits) == {"a": [{"c": 2, "d": 7}, 3], "e": 5, "f": 6}
    assert value == {"a": [1, {"b": 2, "c": None, "d": 4}, 3], "e": 5}
    assert edited([1], [Put((1,), 2)]) == [1, 2]


# ------------------------------------------------------------------------------------------------------- wires


def wired(*layers: dict[str, Any], inputs: Any = ["x", 0, 0], outputs: Any = ["y", 0, 0]) -> dict[str, Any]:  # noqa: B006
    return repaired(functional([entry("x", [3]), *layers], inputs, outputs))


def test_initial_states_follow_the_input() -> None:
    states = [tensor("lstm", 0, 1), tensor("lstm", 0, 2)]
    config = wired(
        layer("LSTM", "lstm", [call(tensor("x"), mask=None, training=False)], return_state=True),
        layer("LSTM", "y", [call(tensor("x"), initial_state=states)]),
    )
    assert nodes_of(config, "lstm") == [[["x", 0, 0, {"training": False}]]]
    assert nodes_of(config, "y") == [[["x", 0, 0, {}], ["lstm", 0, 1, {}], ["lstm", 0, 2, {}]]]


def test_a_first_argument_by_name() -> None:
    assert nodes_of(wired(layer("Dense", "y", [call(inputs=tensor("x"))])), "y") == [[["x", 0, 0, {}]]]


def test_an_operation_that_is_a_merging_layer() -> None:
    config = wired(operation("Add", "y", [call(tensor("x"), tensor("x"))]))
    assert nodes_of(config, "y") == [[["x", 0, 0, {}], ["x", 0, 0, {}]]]


@pytest.mark.parametrize(
    "last",
    [
        operation("Multiply", "y", [call(tensor("x"), [2.0, 3.0])]),
        operation("Add", "y", [call(tensor("x"), tensor("x", shape=(3,)))]),
        operation("Average", "y", [call(tensor("x"), weights=None)], axis=1),
        operation("Reshape", "y", [call(tensor("x"))], newshape=[-1, 3]),
        operation("GetItem", "y", [call(tensor("x"), [{"class_name": "__slice__", "config": {}}])]),
        layer("LSTM", "y", [call(tensor("x"), mask=tensor("x"))]),
        layer("MultiHeadAttention", "y", [call(tensor("x"), tensor("x"), attention_mask=tensor("x"))]),
    ],
    ids=lambda one: str(one["class_name"]),
)
def test_what_cannot_be_wired_leaves_the_model_as_it_is(last: dict[str, Any]) -> None:
    config = wired(layer("Dense", "d", [call(tensor("x"))]), last)
    assert nodes_of(config, "d") == [call(tensor("x"))]
    assert nodes_of(config, "y") == last["inbound_nodes"]


def masked(mask: Any, **embedding: Any) -> dict[str, Any]:
    return wired(
        layer("Embedding", "e", [call(tensor("x"))], **{"mask_zero": True, **embedding}),
        operation("NotEqual", "n", [call(tensor("x"), 0)]),
        layer("LSTM", "y", [call(tensor("e"), mask=mask)]),
    )


def test_a_mask_that_tensorflow_js_makes_itself_goes_with_its_operations() -> None:
    config = masked(tensor("n"))
    assert nodes_of(config, "y") == [[["e", 0, 0, {}]]]
    assert [one["name"] for one in config["layers"]] == ["x", "e", "y"]


def test_a_mask_that_only_one_of_the_two_would_use() -> None:
    assert nodes_of(masked(None), "y") == [call(tensor("e"), mask=None)]
    assert nodes_of(masked(tensor("n"), mask_zero=False), "y") == [call(tensor("e"), mask=tensor("n"))]


def test_an_operation_that_keras_names_outside_its_config() -> None:
    one = operation("Maximum", "m", [call(tensor("x"), tensor("x"))])
    del one["config"]["name"]
    config = wired(one, layer("Dense", "y", [call(tensor("m"))]))
    assert nodes_of(config, "y") == [[["m", 0, 0, {}]]]
    assert config["layers"][1]["config"]["name"] == "m"


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"b": ["y", 0, 0], "a": ["x", 0, 0]}, [["y", 0, 0], ["x", 0, 0]]),
        ([["y", 0, 0], [["x", 0, 0]]], [["y", 0, 0], ["x", 0, 0]]),
        ([["y", 0, 0]], [["y", 0, 0]]),
        ({"b": 3}, {"b": 3}),
    ],
)
def test_ends(outputs: Any, expected: Any) -> None:
    assert wired(layer("Dense", "y", [call(tensor("x"))]), outputs=outputs)["output_layers"] == expected


def test_a_sequential_model_built_by_its_first_call() -> None:
    config = repaired(sequential(layer("Dense", "d"), build_input_shape=[None, 4]))
    assert config["layers"][0]["config"]["batch_input_shape"] == [None, 4]


# ------------------------------------------------------------------------------------ what layers are made of


def config_of(one: dict[str, Any]) -> dict[str, Any]:
    made = repaired(sequential(entry("i", [3], wired=False), one))["layers"][1]
    return {"class_name": made["class_name"], **made["config"]}


def made(module: str, class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": f"keras.{module}", "class_name": class_name, "config": config, "registered_name": None}


def test_dtypes() -> None:
    assert config_of(layer("Dense", "d", dtype=FLOAT32))["dtype"] == "float32"
    mixed = {**FLOAT32, "config": {"name": "mixed_float16"}}
    assert config_of(layer("Dense", "d", dtype=mixed))["dtype"] == mixed


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
        (made("initializers", "OrthogonalInitializer", gain=1.0), "Orthogonal"),
        (made("initializers", "LecunNormal", seed=None), "LeCunNormal"),
        ("lecun_uniform", "LeCunUniform"),
        (made("initializers", "GlorotUniform", seed=None), "GlorotUniform"),
        ({"class_name": "own>Mine", "config": {"depth": 3}}, "Zeros"),
    ],
)
def test_initializers(given: Any, expected: str) -> None:
    assert config_of(layer("Dense", "d", kernel_initializer=given))["kernel_initializer"]["class_name"] == expected


def test_regularizers() -> None:
    l2 = config_of(layer("Dense", "d", kernel_regularizer=made("regularizers", "L2", l2=0.5)))["kernel_regularizer"]
    assert (l2["class_name"], l2["config"]) == ("L1L2", {"l1": 0.0, "l2": 0.5})
    own = config_of(layer("Dense", "d", kernel_regularizer=made("regularizers", "OrthogonalRegularizer")))
    assert own["kernel_regularizer"] is None
    called = config_of(layer("Dense", "d", activity_regularizer=made("regularizers", "L2", l2=0.5)))
    assert called["activity_regularizer"] is None


def test_settings() -> None:
    assert config_of(layer("LeakyReLU", "r", negative_slope=0.1))["alpha"] == 0.1
    assert config_of(layer("LeakyReLU", "r", negative_slope=0.3))["negative_slope"] == 0.3
    slope = config_of(layer("ReLU", "r", max_value=None, negative_slope=0.2, threshold=0.0))
    assert (slope["class_name"], slope["alpha"]) == ("LeakyReLU", 0.2)
    threshold = config_of(layer("ReLU", "r", max_value=None, negative_slope=0.0, threshold=0.4))
    assert (threshold["class_name"], threshold["theta"]) == ("ThresholdedReLU", 0.4)
    both = layer("ReLU", "r", max_value=None, negative_slope=0.2, threshold=0.4)
    assert config_of(both)["class_name"] == "ReLU"
    separable = config_of(layer("SeparableConv2D", "s", kernel_initializer=made("initializers", "GlorotUniform")))
    assert "kernel_initializer" not in separable
    idle = config_of(layer("RandomFlip", "f", mode="horizontal"))
    assert (idle["class_name"], idle["activation"]) == ("Activation", "linear")


# ------------------------------------------------------------------------------- layers that stand for others


def names_and_classes(config: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["config"]["name"], one["class_name"]) for one in config["layers"]]


@pytest.mark.parametrize(
    ("class_name", "arguments", "expected"),
    [
        ("Multiply", (tensor("x"), 2.0), {"scale": 2.0, "offset": 0.0}),
        ("Add", (3, tensor("x")), {"scale": 1.0, "offset": 3.0}),
        ("Subtract", (tensor("x"), 0.5), {"scale": 1.0, "offset": -0.5}),
        ("Subtract", (1.0, tensor("x")), {"scale": -1.0, "offset": 1.0}),
        ("TrueDivide", (tensor("x"), 4.0), {"scale": 0.25, "offset": 0.0}),
        ("Negative", (tensor("x"),), {"scale": -1.0, "offset": 0.0}),
        ("Tanh", (tensor("x"),), {"activation": "tanh"}),
        ("Softmax", (tensor("x"),), {"activation": "softmax"}),
    ],
)
def test_operations(class_name: str, arguments: tuple[Any, ...], expected: dict[str, Any]) -> None:
    config = {"axis": -1} if class_name == "Softmax" else {}
    made = wired(operation(class_name, "y", [call(*arguments)], **config))
    assert nodes_of(made, "y") == [[["x", 0, 0, {}]]]
    assert expected.items() <= made["layers"][1]["config"].items()


@pytest.mark.parametrize(
    ("class_name", "arguments"),
    [
        ("TrueDivide", (1.0, tensor("x"))),
        ("TrueDivide", (tensor("x"), 0)),
        ("Multiply", (tensor("x"), [1.0, 2.0])),
        ("Softmax", (tensor("x"),)),
        ("Exp", (tensor("x"),)),
        ("Multiply", ({**tensor("x"), "config": {**tensor("x")["config"], "dtype": "int32"}}, 2.0)),
    ],
)
def test_operations_that_no_layer_computes(class_name: str, arguments: tuple[Any, ...]) -> None:
    config = {"axis": 1} if class_name == "Softmax" else {}
    value = document(functional([entry("x", [3]), operation(class_name, "y", [call(*arguments)], **config)], [], []))
    assert "operation" not in ids(value)


def test_subtract() -> None:
    config = wired(layer("Dense", "d", [call(tensor("x"))]), layer("Subtract", "y", [call([tensor("x"), tensor("d")])]))
    assert nodes_of(config, "y_negative") == [[["d", 0, 0, {}]]]
    assert nodes_of(config, "y") == [[["x", 0, 0, {}], ["y_negative", 0, 0, {}]]]
    assert ("y", "Add") in names_and_classes(config)
    keras2 = wired(layer("Subtract", "y", [[["x", 0, 0, {}], ["x", 0, 0, {}]]]), inputs=[["x", 0, 0]])
    assert nodes_of(keras2, "y") == [[["x", 0, 0, {}], ["y_negative", 0, 0, {}]]]


def test_pooling_that_keeps_its_axes() -> None:
    config = wired(layer("GlobalAveragePooling2D", "y", [call(tensor("x"))], keepdims=True))
    assert nodes_of(config, "y_pooled") == [[["x", 0, 0, {}]]]
    assert nodes_of(config, "y_once") == [[["y_pooled", 0, 0, {}]]]
    assert nodes_of(config, "y") == [[["y_once", 0, 0, {}]]]
    chain = repaired(sequential(entry("i", [4, 4, 2], wired=False), layer("GlobalMaxPooling2D", "p", keepdims=True)))
    classes = [one["class_name"] for one in chain["layers"]]
    assert classes == ["InputLayer", "GlobalMaxPooling2D", "RepeatVector", "TimeDistributed"]


def test_a_size_that_keras_worked_out() -> None:
    config = wired(
        layer("Reshape", "r", [call(tensor("x"))], target_shape=[-1, 3]),
        layer("Dense", "y", [call(tensor("r", shape=(None, 5, 3)))]),
    )
    assert config["layers"][1]["config"]["target_shape"] == [5, 3]


def test_an_activation_becomes_a_chain_and_its_users_take_from_the_end() -> None:
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
    done = repair(document(root)).model_json["modelTopology"]["model_config"]["config"]
    assert [one["class_name"] for one in done["layers"][1:]] == ["Dense", "Rescaling", "ReLU", "Rescaling"]
    assert "activation-chain" not in ids(document(root, version="2.15.0"))


def test_an_input_whose_shape_would_be_overwritten() -> None:
    encoding = layer("CategoryEncoding", "y", [call(tensor("x"))], num_tokens=20, output_mode="one_hot")
    config = wired(encoding)
    assert nodes_of(config, "y") == [[["y_input", 0, 0, {}]]]
    assert nodes_of(config, "y_input") == [[["x", 0, 0, {}]]]
    crop = sequential(entry("i", [8, 8, 3], wired=False), layer("CenterCrop", "c", height=4, width=4))
    assert [one["class_name"] for one in repaired(crop)["layers"]] == ["InputLayer", "Reshape", "CenterCrop"]


# ----------------------------------------------------------------------------------------------------- weights


def named(one: dict[str, Any], *names: str) -> list[str]:
    weights = repair(document(sequential(entry("i", [3], wired=False), one), list(names))).model_json["weightsManifest"]
    return [weight["name"] for weight in weights[0]["weights"]]


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
    assert repair(value).model_json["weightsManifest"] == value["weightsManifest"]


# ------------------------------------------------------------------------------------------------------ graphs


def node(name: str, op: str, *inputs: str, **attr: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attr}


def graph(*nodes: dict[str, Any], output: str) -> dict[str, Any]:
    topology = {"node": list(nodes), "library": {}, "versions": {"producer": 1}}
    signature = {"inputs": {}, "outputs": {"y": {"name": f"{output}:0", "dtype": "DT_FLOAT"}}}
    return {"format": "graph-model", "modelTopology": topology, "signature": signature, "weightsManifest": []}


def loop() -> dict[str, Any]:
    """A loop as grappler leaves it: the constant of a round waits, through a NoOp, for the loop's variable."""
    return graph(
        node("x", "Placeholder"),
        node("enter", "Enter", "x"),
        node("merge", "Merge", "enter", "next"),
        node("less", "Less", "merge", "x"),
        node("cond", "LoopCond", "less"),
        node("switch", "Switch", "merge", "cond"),
        node("gather", "NoOp", "^switch"),
        node("one", "Const", "^gather"),
        node("body", "Identity", "switch:1"),
        node("add", "AddV2", "body", "one"),
        node("next", "NextIteration", "add"),
        node("exit", "Exit", "switch"),
        node("y", "Identity", "exit", "^exit"),
        output="y",
    )


def test_only_the_control_inputs_that_keep_a_loop_waiting_go() -> None:
    value = loop()
    done = repair(value)
    assert [one.id for one in done.applied] == ["loop-control-inputs"]
    inputs = {one["name"]: one["input"] for one in done.model_json["modelTopology"]["node"]}
    assert inputs["gather"] == []
    assert inputs["one"] == []
    assert inputs["y"] == ["exit", "^exit"]
    assert repair(done.model_json).applied == ()


def words(*fused: str) -> dict[str, Any]:
    return {"list": {"s": [list(word.encode()) for word in fused]}}


def test_an_activation_leaves_a_fusion() -> None:
    fused = node("dense", "_FusedMatMul", "x", "k", "b", fused_ops=words("BiasAdd", "Tanh"), T={"type": "DT_FLOAT"})
    ends = (node("x", "Placeholder"), node("k", "Const"), node("b", "Const"))
    done = repair(graph(*ends, fused, node("y", "Identity", "dense"), output="y"))
    nodes = {one["name"]: one for one in done.model_json["modelTopology"]["node"]}
    assert (nodes["dense"]["op"], nodes["dense"]["input"]) == ("Tanh", ["dense/before_Tanh"])
    assert nodes["dense/before_Tanh"]["attr"]["fused_ops"] == words("BiasAdd")
    assert nodes["dense/before_Tanh"]["input"] == ["x", "k", "b"]
    for kept in ("Relu", "GeluExact"):
        fused["attr"]["fused_ops"] = words("BiasAdd", kept)
        assert ids(graph(*ends, fused, node("y", "Identity", "dense"), output="y")) == []


# --------------------------------------------------------------------------------------------------- what remains


@pytest.mark.parametrize(
    ("finding", "way"),
    [
        (Finding("unknown-layer", "$.modelTopology.model_config", "Lambda"), "graph route"),
        (Finding("gru-reset-after", "$", ""), "reset_after=False"),
        (Finding("unsupported-ops", "$.modelTopology.node[3].op", ""), "layers route"),
        (Finding("artifact-shard-short", "$.weightsManifest[0]", ""), "convert the model again"),
        (Finding("activation-redefined", "$", "", "warning"), "graph route"),
    ],
)
def test_what_remains_is_said_with_another_way(finding: Finding, way: str) -> None:
    (remaining,) = unrepairable([finding, Finding("graph-without-signature", "$", "", "warning")])
    assert remaining.finding == finding
    assert way in remaining.instead


CASES: dict[str, Callable[[], dict[str, Any]]] = {"keras2": keras2, "keras3": keras3, "loop": loop}


@pytest.mark.parametrize("name", CASES)
def test_weights_change_nothing_but_names(name: str) -> None:
    value = CASES[name]()
    for before, after in zip(value["weightsManifest"], repair(value).model_json["weightsManifest"], strict=True):
        assert after["paths"] == before["paths"]
        assert [{**one, "name": ""} for one in after["weights"]] == [{**one, "name": ""} for one in before["weights"]]
    json.dumps(repair(value).model_json)
