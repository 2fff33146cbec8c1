import base64
import copy
import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjs_compat.artifact.layers import camel
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.catalogue import CHECKS, check, examine
from tfjs_compat.outcomes.failures import Finding

LAYERS = """
    Activation Add BatchNormalization Bidirectional CategoryEncoding Conv1D Conv2D Conv2DTranspose Dense
    DepthwiseConv2D ELU Embedding Flatten Functional GRU GlobalAveragePooling2D InputLayer LSTM LSTMCell
    LayerNormalization LeakyReLU Model PReLU RNN ReLU Reshape Resizing SeparableConv2D Sequential SimpleRNN Softmax
    StackedRNNCells TimeDistributed UpSampling2D
"""
OBJECTS = """
    Constant GlorotUniform L1L2 LeCunNormal MaxNorm Ones Orthogonal RandomUniform VarianceScaling Zeros hardSigmoid
    linear relu sigmoid softmax swish tanh
"""
OPS = """
    Add AddV2 BiasAdd Const Enter Exit FusedBatchNormV3 Identity If Less LoopCond MatMul Merge NextIteration NoOp
    Placeholder Relu Switch While _FusedMatMul
"""
VOCABULARY = Vocabulary(tfjs="4.22.0", classes=frozenset((LAYERS + OBJECTS).split()), ops=frozenset(OPS.split()))


# ------------------------------------------------------------------------------------------------ models by hand


def layer(class_name: str, name: str, inbound: Any = None, **config: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"class_name": class_name, "config": {"name": name, **config}}
    if inbound is not None:
        entry |= {"name": name, "inbound_nodes": inbound}
    return entry


def dense(name: str, units: int = 3, inbound: Any = None, **config: Any) -> dict[str, Any]:
    glorot = {"class_name": "GlorotUniform", "config": {"seed": None}}
    settings = {"units": units, "activation": "relu", "use_bias": True, "kernel_initializer": glorot}
    return layer("Dense", name, inbound, **settings, bias_initializer="zeros", **config)


def source(name: str = "in", shape: Any = (None, 4), **config: Any) -> dict[str, Any]:
    return layer("InputLayer", name, [], batch_input_shape=list(shape), dtype="float32", **config)


def functional(*layers: dict[str, Any], inputs: Any = None, outputs: Any = None, name: str = "model") -> dict[str, Any]:
    ends = {
        "input_layers": [[layers[0]["name"], 0, 0]] if inputs is None else inputs,
        "output_layers": [[layers[-1]["name"], 0, 0]] if outputs is None else outputs,
    }
    return {"class_name": "Functional", "config": {"name": name, "layers": list(layers), **ends}}


def sequential(*layers: dict[str, Any], name: str = "sequential") -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def after(name: str, *, node: int = 0) -> list[Any]:
    return [[[name, node, 0, {}]]]


DENSE = {"dense/kernel": [4, 3], "dense/bias": [3]}


def write(folder: Path, topology: dict[str, Any], weights: dict[str, list[int]], **document: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    specs = [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in weights.items()]
    whole = {"modelTopology": topology, "weightsManifest": [{"paths": ["w.bin"], "weights": specs}], **document}
    (folder / "model.json").write_text(json.dumps(whole))
    (folder / "w.bin").write_bytes(bytes(4 * sum(math.prod(shape) for shape in weights.values())))
    return folder


def layers(folder: Path, model: dict[str, Any], weights: dict[str, list[int]]) -> list[Finding]:
    topology = {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": model}
    return examine(write(folder, topology, weights, format="layers-model"), VOCABULARY)


def ids(findings: list[Finding]) -> set[str]:
    return {finding.id for finding in findings}


def errors(findings: list[Finding]) -> dict[str, str]:
    return {finding.id: finding.path for finding in findings if finding.severity == "error"}


L1L2 = {"class_name": "L1L2", "config": {}}
IMAGE = (None, 6, 6, 3)
FLAT = (None, 4)
CONFIG = "$.modelTopology.model_config.config"

SOUND: dict[str, tuple[dict[str, Any], dict[str, list[int]]]] = {
    "functional": (functional(source(), dense("dense", inbound=after("in"))), DENSE),
    "sequential": (sequential(source(), dense("dense")), DENSE),
    "sequential with a shape": (sequential(dense("dense", batch_input_shape=[None, 4])), DENSE),
    "camelCase": (sequential(dense("dense", batchInputShape=[None, 4])), DENSE),
    "no weights": (sequential(source(shape=(None, 4, 3)), layer("Flatten", "flatten")), {}),
    "nested": (
        functional(
            source(),
            {
                **functional(source("inner_in"), dense("dense", inbound=after("inner_in")), name="inner"),
                "name": "inner",
                "inbound_nodes": after("in"),
            },
            outputs=[["inner", 1, 0]],
        ),
        DENSE,
    ),
    "shared": (
        functional(
            source("a"),
            source("b"),
            dense("dense", inbound=[[["a", 0, 0, {}]], [["b", 0, 0, {}]]]),
            layer("Add", "add", [[["dense", 0, 0, {}], ["dense", 1, 0, {}]]]),
            inputs=[["a", 0, 0], ["b", 0, 0]],
        ),
        DENSE,
    ),
    "recurrent": (
        sequential(
            source(shape=(None, 5, 4)),
            layer("LSTM", "lstm", units=2, return_sequences=True),
            layer("Bidirectional", "bi", layer=layer("LSTM", "core", units=3), merge_mode="concat"),
        ),
        {
            "lstm/lstm_cell/kernel": [4, 8],
            "lstm/lstm_cell/recurrent_kernel": [2, 8],
            "lstm/lstm_cell/bias": [8],
            "bi/forward_core/lstm_cell/kernel": [2, 12],
            "bi/forward_core/lstm_cell/recurrent_kernel": [3, 12],
            "bi/forward_core/lstm_cell/bias": [12],
            "bi/backward_core/lstm_cell/kernel": [2, 12],
            "bi/backward_core/lstm_cell/recurrent_kernel": [3, 12],
            "bi/backward_core/lstm_cell/bias": [12],
        },
    ),
    "time distributed": (
        sequential(source(shape=(None, 5, 4)), layer("TimeDistributed", "td", layer=dense("inner"))),
        {"td/kernel": [4, 3], "td/bias": [3]},
    ),
    "a cell": (
        sequential(source(shape=(None, 5, 4)), layer("RNN", "rnn", cell=layer("LSTMCell", "cell", units=2))),
        {"rnn/cell/kernel": [4, 8], "rnn/cell/recurrent_kernel": [2, 8], "rnn/cell/bias": [8]},
    ),
    "batch normalisation without scale": (
        sequential(source(), layer("BatchNormalization", "bn", axis=[1], scale=False)),
        {"bn/beta": [4], "bn/moving_mean": [4], "bn/moving_variance": [4]},
    ),
    "snake case and short names": (
        sequential(
            source(),
            dense("dense", kernel_constraint=None, kernel_regularizer="L1L2"),
            layer("Activation", "a", activation="hard_sigmoid"),
        ),
        DENSE,
    ),
    "an activity regularizer inside a wrapper": (
        sequential(
            source(shape=(None, 5, 4)),
            layer(
                "TimeDistributed", "td", layer=dense("inner", activity_regularizer={"class_name": "L1L2", "config": {}})
            ),
        ),
        {"td/kernel": [4, 3], "td/bias": [3]},
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_no_false_alarm(tmp_path: Path, name: str) -> None:
    assert layers(tmp_path, *SOUND[name]) == []


def test_an_old_sequential_config_is_a_list(tmp_path: Path) -> None:
    model = {"class_name": "Sequential", "config": [dense("dense", batch_input_shape=[None, 4])]}
    assert layers(tmp_path, model, DENSE) == []


def test_the_topology_may_be_the_model_itself(tmp_path: Path) -> None:
    assert examine(write(tmp_path, SOUND["functional"][0], DENSE), VOCABULARY) == []


# ------------------------------------------------------------------------------------------------------- Keras 3


def keras3_model() -> dict[str, Any]:
    """A functional model as Keras 3.15 writes it."""
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
    glorot = {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {}, "registered_name": None}
    history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["in", 0, 0]}}
    first = layer("InputLayer", "in", [], batch_shape=[None, 4], dtype="float32", sparse=False)
    nodes = [{"args": [history], "kwargs": {}}]
    second = layer("Dense", "dense", nodes, units=3, dtype=policy, kernel_initializer=glorot, activation="silu")
    return functional(first, second, inputs=["in", 0, 0], outputs=["dense", 0, 0])


def test_keras3_reasons_come_all_at_once(tmp_path: Path) -> None:
    found = layers(tmp_path, keras3_model(), DENSE)
    assert errors(found) == {
        "keras3-batch-shape": f"{CONFIG}.layers[0].config.batch_shape",
        "keras3-inbound-nodes": f"{CONFIG}.layers[1].inbound_nodes[0]",
        "keras3-flat-io-layers": f"{CONFIG}.output_layers",
        "unknown-layer": f"{CONFIG}.layers[1].config.activation",
    }
    assert [f.path for f in found if f.id == "keras3-flat-io-layers"] == [
        f"{CONFIG}.input_layers",
        f"{CONFIG}.output_layers",
    ]
    assert [f.path for f in found if f.severity == "warning"] == [f"{CONFIG}.layers[1].config.dtype"]


def test_keras3_weight_prefix(tmp_path: Path) -> None:
    model = sequential(source(shape=(None, 5, 4)), layer("LSTM", "lstm", units=2), dense("dense", 2))
    names = {"lstm/lstm_cell/kernel": [4, 8], "lstm/lstm_cell/recurrent_kernel": [2, 8], "lstm/lstm_cell/bias": [8]}
    weights = {
        f"sequential/{name}": shape for name, shape in {**names, "dense/kernel": [2, 2], "dense/bias": [2]}.items()
    }
    found = layers(tmp_path, model, weights)
    assert ids(found) == {"keras3-weight-prefix"}
    assert [f.path for f in found] == [f"$.weightsManifest[0].weights[{index}].name" for index in range(5)]


def test_a_dtype_object_harms_only_where_it_is_read(tmp_path: Path) -> None:
    policy = {"class_name": "DTypePolicy", "config": {"name": "float32"}}
    harmless = layers(tmp_path / "a", sequential(source(), dense("dense", dtype=policy)), DENSE)
    assert (ids(harmless), errors(harmless)) == ({"keras3-dtype-policy"}, {})
    embedding = layer("Embedding", "e", input_dim=5, output_dim=2, batch_input_shape=[None, 3], dtype=policy)
    assert "keras3-dtype-policy" in errors(layers(tmp_path / "b", sequential(embedding), {"e/embeddings": [5, 2]}))
    mixed = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    warned = layers(tmp_path / "c", sequential(source(), dense("dense", dtype=mixed)), DENSE)
    assert (ids(warned), errors(warned)) == ({"mixed-precision"}, {})


# --------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("config", "known"),
    [
        ({"activation": "relu"}, True),
        ({"activation": None}, True),
        ({"activation": "silu"}, False),
        ({"activation": {"class_name": "relu", "config": {}}}, True),
        ({"activation": {"module": "builtins", "class_name": "function", "config": "f"}}, False),
        ({"kernel_initializer": "glorot_uniform"}, True),
        ({"kernel_initializer": "lecun_normal"}, False),  # LeCunNormal in TensorFlow.js, LecunNormal in Keras
        ({"kernel_initializer": "leCunNormal"}, True),
        ({"kernel_initializer": {"class_name": "OrthogonalInitializer", "config": {}}}, False),
        ({"kernel_initializer": ""}, True),
        ({"kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.1}}}, False),
        ({"kernel_regularizer": "l1_l2"}, False),
        ({"kernel_regularizer": "l1l2"}, True),
        ({"kernel_constraint": "max_norm"}, True),
        ({"kernel_constraint": {"class_name": "Mine", "config": {}}}, False),
        ({"depthwise_regularizer": "L2"}, True),  # no Dense ever reads it
    ],
)
def test_names_that_are_not_registered(tmp_path: Path, config: dict[str, Any], known: bool) -> None:
    entry = dense("dense")
    entry["config"] |= config
    found = errors(layers(tmp_path, sequential(source(), entry), DENSE))
    assert found == ({} if known else {"unknown-layer": f"{CONFIG}.layers[1].config.{next(iter(config))}"})


def test_unknown_layers_are_found_wherever_they_are(tmp_path: Path) -> None:
    inner = sequential(source(), dense("inside"), layer("Mine", "mine"), name="inner")
    wrapped = layer("TimeDistributed", "td", layer=layer("Other", "other"))
    stacked = layer("StackedRNNCells", "cells", cells=[layer("LSTMCell", "c", units=1), layer("NoCell", "n")])
    model = sequential(source(), inner, wrapped, layer("RNN", "rnn", cell=stacked))
    found = layers(tmp_path, model, {"inside/kernel": [4, 3], "inside/bias": [3]})
    assert [f.path for f in found if f.id == "unknown-layer"] == [
        f"{CONFIG}.layers[1].config.layers[2].class_name",
        f"{CONFIG}.layers[2].config.layer.class_name",
        f"{CONFIG}.layers[3].config.cell.config.cells[1].class_name",
    ]


def test_the_vocabulary_decides(tmp_path: Path) -> None:
    folder = write(tmp_path, sequential(source(), dense("dense")), DENSE)
    small = Vocabulary(tfjs="0.1.0", classes=VOCABULARY.classes - {"Dense"}, ops=frozenset())
    assert "unknown-layer" in errors(examine(folder, small))


def test_an_object_without_class_and_config(tmp_path: Path) -> None:
    for number, value in enumerate([{}, {"class_name": "Zeros"}, {"class_name": "Zeros", "config": None}, 5]):
        entry = dense("dense", kernel_regularizer=value)
        assert "object-malformed" in errors(layers(tmp_path / str(number), sequential(source(), entry), DENSE))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a_b", "aB"),
        ("a__b", "aB"),
        ("a_", "a"),
        ("_", "_"),
        ("__", ""),
        ("L1L2", "L1L2"),
        ("x_1", "x1"),
        ("é_é", "é_é"),
    ],
)
def test_camel_is_that_of_tensorflow_js(text: str, wanted: str) -> None:
    assert camel(text) == wanted


# ------------------------------------------------------------------------------------------------------- settings

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
    found = layers(tmp_path, sequential(source(shape=shape), entry), weights)
    assert [(f.id, f.path, f.severity) for f in found] == [(id, f"{CONFIG}.layers[1].config.{key}", severity)]


def test_output_padding_that_changes_nothing_is_fine(tmp_path: Path) -> None:
    entry = layer("Conv2DTranspose", "t", padding="same", **TRANSPOSED)
    weights = {"t/kernel": [3, 3, 2, 3], "t/bias": [2]}
    assert layers(tmp_path, sequential(source(shape=IMAGE), entry), weights) == []


# --------------------------------------------------------------------------------------------------------- wiring


def test_a_node_that_never_comes(tmp_path: Path) -> None:
    path = f"{CONFIG}.layers[1].inbound_nodes[0]"
    for number, inbound in enumerate([after("ghost"), after("in", node=1), after("dense")]):
        model = functional(source(), dense("dense", inbound=inbound))
        assert errors(layers(tmp_path / str(number), model, DENSE))["wiring-endless"] == path
    flat = functional(source(), dense("dense", inbound=[["in", 0, 0, {}]]))
    assert errors(layers(tmp_path / "flat", flat, DENSE))["wiring-endless"] == path


def test_layers_may_come_in_any_order(tmp_path: Path) -> None:
    late = functional(
        source(), dense("z", 3, after("dense")), dense("dense", inbound=after("in")), outputs=[["z", 0, 0]]
    )
    assert layers(tmp_path, late, {**DENSE, "z/kernel": [3, 3], "z/bias": [3]}) == []


def test_ends_that_cannot_be_read(tmp_path: Path) -> None:
    def found(name: str, **ends: Any) -> dict[str, str]:
        return errors(layers(tmp_path / name, functional(source(), dense("dense", inbound=after("in")), **ends), DENSE))

    assert found("dict", inputs={"x": ["in", 0, 0]}) == {"io-layers-by-name": f"{CONFIG}.input_layers"}
    assert found("ghost", outputs=[["ghost", 0, 0]]) == {"wiring-malformed": f"{CONFIG}.output_layers[0]"}
    assert found("no input", inputs=[["dense", 0, 0]]) == {"wiring-malformed": f"{CONFIG}.input_layers[0]"}
    assert found("number", outputs=5) == {"wiring-malformed": f"{CONFIG}.output_layers"}


def test_names_of_layers(tmp_path: Path) -> None:
    twice = sequential(source(), dense("dense"), layer("Flatten", "dense"))
    assert errors(layers(tmp_path / "a", twice, DENSE)) == {"layer-name-duplicate": f"{CONFIG}.layers[2].config.name"}
    odd = layers(tmp_path / "b", sequential(source(), dense("_d")), {"_d/kernel": [4, 3], "_d/bias": [3]})
    assert errors(odd) == {"layer-name-invalid": f"{CONFIG}.layers[1].config.name"}
    weightless = layers(tmp_path / "c", sequential(source(), layer("Softmax", "a b")), {})
    assert errors(weightless) == {"layer-name-invalid": f"{CONFIG}.layers[1].config.name"}
    wrapped = layer("Bidirectional", "bi", layer=layer("SimpleRNN", "a b", units=1, use_bias=False))
    found = layers(tmp_path / "d", sequential(source(shape=(None, 5, 4)), wrapped), {})
    assert errors(found)["layer-name-invalid"] == f"{CONFIG}.layers[1].config.layer.config.name"


def test_a_sequential_model_needs_a_shape(tmp_path: Path) -> None:
    assert errors(layers(tmp_path, sequential(dense("dense")), DENSE)) == {
        "sequential-without-shape": f"{CONFIG}.layers[0].config"
    }


def test_a_layer_is_no_model(tmp_path: Path) -> None:
    assert errors(layers(tmp_path, dense("dense"), DENSE)) == {"root-not-a-model": "$.modelTopology.model_config"}


# -------------------------------------------------------------------------------------------------------- weights


def test_missing_and_unwanted(tmp_path: Path) -> None:
    model = SOUND["functional"][0]
    assert errors(layers(tmp_path / "a", model, {"dense/kernel": [4, 3]})) == {"weights-missing": f"{CONFIG}.layers[1]"}
    more = layers(tmp_path / "b", model, {**DENSE, "other/kernel": [1]})
    assert errors(more) == {"weights-unwanted": "$.weightsManifest[0].weights[2].name"}


def test_shapes_that_cannot_fit(tmp_path: Path) -> None:
    model = SOUND["functional"][0]
    for number, shape in enumerate(([4, 2], [3, 4, 3], [12])):
        found = errors(layers(tmp_path / str(number), model, {**DENSE, "dense/kernel": shape}))
        assert found == {"weights-shape": "$.weightsManifest[0].weights[0].shape"}
    assert layers(tmp_path / "unknown size", model, {**DENSE, "dense/kernel": [7, 3]}) == []


def test_two_layers_that_want_one_weight(tmp_path: Path) -> None:
    inner = sequential(source("x"), dense("dense", 4), name="inner")
    found = layers(tmp_path, sequential(source(), inner, dense("dense")), DENSE)
    assert "weights-ambiguous" in errors(found)


def test_layers_that_are_not_known_here_may_have_any_weights(tmp_path: Path) -> None:
    new = Vocabulary(tfjs="9", classes=VOCABULARY.classes | {"NewLayer"}, ops=frozenset())
    model = sequential(source(), layer("NewLayer", "new"), dense("dense"))
    folder = write(tmp_path, model, {"new/whatever/x": [2], **DENSE})
    assert examine(folder, new) == []


def test_weights_that_are_not_finite_are_a_warning(tmp_path: Path) -> None:
    folder = write(tmp_path, SOUND["functional"][0], DENSE)
    (folder / "w.bin").write_bytes(struct.pack("<15f", *([1.0] * 13), math.nan, math.inf))
    found = examine(folder, VOCABULARY)
    assert [(f.id, f.path, f.severity) for f in found] == [
        ("weights-not-finite", "$.weightsManifest[0].weights[1]", "warning")
    ]


def test_weights_of_another_dtype(tmp_path: Path) -> None:
    folder = write(tmp_path, SOUND["functional"][0], DENSE)
    text = (
        (folder / "model.json")
        .read_text()
        .replace('"shape": [3], "dtype": "float32"', '"shape": [3], "dtype": "int32"')
    )
    (folder / "model.json").write_text(text)
    assert errors(examine(folder, VOCABULARY)) == {"weights-dtype": "$.weightsManifest[0].weights[1].dtype"}


# ---------------------------------------------------------------------------------------------------------- graphs


def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def strings(*values: str) -> dict[str, Any]:
    return {"list": {"s": [base64.b64encode(value.encode()).decode() for value in values]}}


SIGNATURE = {"inputs": {"x": {"name": "x:0"}}, "outputs": {"y": {"name": "y:0"}}}


def graph(folder: Path, *nodes: dict[str, Any], weights: Any = None, **document: Any) -> list[Finding]:
    topology = {"node": list(nodes), "versions": {}, **document.pop("topology", {})}
    document = {"format": "graph-model", "signature": SIGNATURE, **document}
    return examine(write(folder, topology, {"w": [2, 2]} if weights is None else weights, **document), VOCABULARY)


X, W, Y = node("x", "Placeholder"), node("w", "Const"), node("y", "MatMul", "x", "w")


def test_a_sound_graph(tmp_path: Path) -> None:
    assert graph(tmp_path, X, W, Y) == []


def test_ops_that_are_not_known(tmp_path: Path) -> None:
    needed = graph(tmp_path / "a", X, W, node("h", "_MklThing", "x"), node("y", "MatMul", "h", "w"))
    assert errors(needed) == {"unsupported-ops": "$.modelTopology.node[2].op"}
    aside = graph(tmp_path / "b", X, W, Y, node("h", "_MklThing", "x"))
    assert (ids(aside), errors(aside)) == ({"unsupported-ops"}, {})
    branch = node("s", "Switch", "x", "x"), node("h", "Nope", "s:1"), node("y", "Merge", "h", "s")
    assert errors(graph(tmp_path / "c", X, *branch, weights={})) == {}
    body = {"signature": {"name": "f", "inputArg": [{"name": "a"}]}, "nodeDef": [node("b", "Nope", "a")]}
    inside = graph(tmp_path / "d", X, W, Y, topology={"library": {"function": [body]}})
    assert [(f.id, f.path, f.severity) for f in inside] == [
        ("unsupported-ops", "$.modelTopology.library.function[0].nodeDef[0].op", "warning")
    ]


@pytest.mark.parametrize(
    ("fused", "known"),
    [(["BiasAdd", "Relu"], True), (["BiasAdd"], True), (["BiasAdd", "Tanh"], False), (["BiasAdd", "GeluExact"], False)],
)
def test_fusions(tmp_path: Path, fused: list[str], known: bool) -> None:
    found = errors(graph(tmp_path, X, W, node("y", "_FusedMatMul", "x", "w", "w", fused_ops=strings(*fused))))
    assert found == ({} if known else {"unsupported-fusion": "$.modelTopology.node[2].attr.fused_ops"})


def test_batch_normalisation_in_training_mode(tmp_path: Path) -> None:
    for training in (True, False):
        y = node("y", "FusedBatchNormV3", "x", "w", "w", "w", "w", is_training={"b": training})
        assert ids(graph(tmp_path / str(training), X, W, y)) == ({"graph-batch-norm-training"} if training else set())


def test_constants_and_their_weights(tmp_path: Path) -> None:
    assert errors(graph(tmp_path / "a", X, W, Y, weights={})) == {"weights-missing": "$.modelTopology.node[1]"}
    more = graph(tmp_path / "b", X, W, Y, weights={"w": [2, 2], "v": [1]})
    assert (ids(more), errors(more)) == ({"weights-unwanted"}, {})


def test_what_the_loader_trips_over(tmp_path: Path) -> None:
    dangling = graph(tmp_path / "a", X, node("y", "MatMul", "x", "gone:1"), weights={})
    assert errors(dangling) == {"graph-dangling-input": "$.modelTopology.node[1].input[1]"}
    versions = graph(tmp_path / "b", X, W, Y, topology={"versions": None})
    assert errors(versions) == {"graph-without-versions": "$.modelTopology.versions"}


def test_signatures(tmp_path: Path) -> None:
    none = graph(tmp_path / "a", X, W, Y, signature=None)
    assert (ids(none), errors(none)) == ({"graph-without-signature"}, {})
    ghost = {"inputs": {}, "outputs": {"y": {"name": "ghost:0"}}}
    assert errors(graph(tmp_path / "b", X, W, Y, signature=ghost)) == {
        "signature-node-missing": "$.signature.outputs.y.name"
    }
    metadata = {"signature": SIGNATURE}
    assert graph(tmp_path / "c", X, W, Y, signature=ghost, userDefinedMetadata=metadata) == []


def loop(*held: str, guard: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``while i < n: i = i + 1`` as TensorFlow 1 control flow; ``held`` are control inputs of the NextIteration."""
    return [
        node("x", "Placeholder"),
        node("n", "Const"),
        node("enter", "Enter", "x"),
        node("merge", "Merge", "enter", "next"),
        node("less", "Less", "merge", "n"),
        node("cond", "LoopCond", "less"),
        node("switch", "Switch", "merge", "cond"),
        node("one", "Identity", "switch:1"),
        node("add", "AddV2", "one", "one"),
        *guard,
        node("next", "NextIteration", "add", *held),
        node("exit", "Exit", "switch"),
        node("y", "Identity", "exit"),
    ]


def test_loops_that_can_and_cannot_go_on(tmp_path: Path) -> None:
    weights = {"n": [1]}
    assert graph(tmp_path / "a", *loop(guard=[]), weights=weights) == []
    assert graph(tmp_path / "b", *loop("^one", guard=[]), weights=weights) == []
    assert graph(tmp_path / "c", *loop("^g", guard=[node("g", "NoOp", "^one", "^merge")]), weights=weights) == []
    stuck = graph(tmp_path / "d", *loop("^g", guard=[node("g", "NoOp", "^one", "^switch")]), weights=weights)
    assert errors(stuck) == {"graph-loop-stuck": "$.modelTopology.node[10].input"}
    ended = graph(tmp_path / "e", *loop("^exit", guard=[]), weights=weights)
    assert errors(ended) == {"graph-loop-stuck": "$.modelTopology.node[9].input"}


# ------------------------------------------------------------------------------------------------------ mutations

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**30) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "config", "class_name", "a"]), inner)
    ),
    max_leaves=5,
)
GRAPH = {"node": loop("^g", guard=[node("g", "NoOp", "^switch")]), "versions": {}}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([*SOUND, "keras3", "graph"]), st.integers(0, 10_000), anything, st.booleans())
def test_whatever_stands_anywhere_ends_in_findings(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, value: object, remove: bool
) -> None:
    if name == "graph":
        model, weights = {"modelTopology": GRAPH, "signature": SIGNATURE}, {"n": [1]}
    else:
        topology, weights = (keras3_model(), DENSE) if name == "keras3" else SOUND[name]
        model = {"modelTopology": {"model_config": topology}}
    model = mutated(model, at, value, remove)
    folder = tmp_path_factory.mktemp("m")
    write(folder, model.pop("modelTopology", None), weights, **model)
    findings = examine(folder, VOCABULARY)
    for finding in findings:
        assert finding.id in CHECKS
        assert finding.path.startswith("$")
        assert (finding.message + finding.path).encode()


def test_the_values_are_left_as_they_are(tmp_path: Path) -> None:
    from tfjs_compat.artifact.reading import read

    artifact = read(write(tmp_path, keras3_model(), DENSE)).artifact
    assert artifact is not None
    before = copy.deepcopy(artifact.document)
    assert check(artifact, VOCABULARY) == check(artifact, VOCABULARY)
    assert artifact.document == before


def mutated(document: dict[str, Any], at: int, value: object, remove: bool) -> dict[str, Any]:
    """The document with its n-th value, counted through all of it, replaced or removed."""
    places: list[tuple[Any, Any]] = []

    def visit(item: object) -> None:
        pairs = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        for key, inner in pairs:
            places.append((item, key))
            visit(inner)

    document = copy.deepcopy(document)
    visit(document)
    holder, key = places[at % len(places)]
    if remove:
        del holder[key]
    else:
        holder[key] = value
    return document
