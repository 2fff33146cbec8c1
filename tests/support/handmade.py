"""Artifacts written by hand: the smallest layers and graph models that a check has to say something about."""

from __future__ import annotations

import base64
import copy
import json
import math
from pathlib import Path
from typing import Any

from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.examine import examine
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


def layer(class_name: str, name: str, inbound: Any = None, **config: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"class_name": class_name, "config": {"name": name, **config}}
    if inbound is not None:
        entry |= {"name": name, "inbound_nodes": inbound}
    return entry


def dense(name: str, units: int = 3, inbound: Any = None, **config: Any) -> dict[str, Any]:
    glorot = {"class_name": "GlorotUniform", "config": {"seed": None}}
    settings = {"units": units, "activation": "relu", "use_bias": True, "kernel_initializer": glorot}
    return layer("Dense", name, inbound, **settings, bias_initializer="zeros", **config)


def input_layer(name: str = "in", shape: Any = (None, 4), **config: Any) -> dict[str, Any]:
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


def examine_layers(folder: Path, model: dict[str, Any], weights: dict[str, list[int]]) -> list[Finding]:
    topology = {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": model}
    return examine(write(folder, topology, weights, format="layers-model"), VOCABULARY)


def ids(findings: list[Finding]) -> set[str]:
    return {finding.id for finding in findings}


def errors(findings: list[Finding]) -> dict[str, str]:
    return {finding.id: finding.path for finding in findings if finding.severity == "error"}


IMAGE = (None, 6, 6, 3)


FLAT = (None, 4)


CONFIG = "$.modelTopology.model_config.config"


SOUND: dict[str, tuple[dict[str, Any], dict[str, list[int]]]] = {
    "functional": (functional(input_layer(), dense("dense", inbound=after("in"))), DENSE),
    "sequential": (sequential(input_layer(), dense("dense")), DENSE),
    "sequential with a shape": (sequential(dense("dense", batch_input_shape=[None, 4])), DENSE),
    "camelCase": (sequential(dense("dense", batchInputShape=[None, 4])), DENSE),
    "no weights": (sequential(input_layer(shape=(None, 4, 3)), layer("Flatten", "flatten")), {}),
    "nested": (
        functional(
            input_layer(),
            {
                **functional(input_layer("inner_in"), dense("dense", inbound=after("inner_in")), name="inner"),
                "name": "inner",
                "inbound_nodes": after("in"),
            },
            outputs=[["inner", 1, 0]],
        ),
        DENSE,
    ),
    "shared": (
        functional(
            input_layer("a"),
            input_layer("b"),
            dense("dense", inbound=[[["a", 0, 0, {}]], [["b", 0, 0, {}]]]),
            layer("Add", "add", [[["dense", 0, 0, {}], ["dense", 1, 0, {}]]]),
            inputs=[["a", 0, 0], ["b", 0, 0]],
        ),
        DENSE,
    ),
    "recurrent": (
        sequential(
            input_layer(shape=(None, 5, 4)),
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
        sequential(input_layer(shape=(None, 5, 4)), layer("TimeDistributed", "td", layer=dense("inner"))),
        {"td/kernel": [4, 3], "td/bias": [3]},
    ),
    "a cell": (
        sequential(input_layer(shape=(None, 5, 4)), layer("RNN", "rnn", cell=layer("LSTMCell", "cell", units=2))),
        {"rnn/cell/kernel": [4, 8], "rnn/cell/recurrent_kernel": [2, 8], "rnn/cell/bias": [8]},
    ),
    "batch normalisation without scale": (
        sequential(input_layer(), layer("BatchNormalization", "bn", axis=[1], scale=False)),
        {"bn/beta": [4], "bn/moving_mean": [4], "bn/moving_variance": [4]},
    ),
    "snake case and short names": (
        sequential(
            input_layer(),
            dense("dense", kernel_constraint=None, kernel_regularizer="L1L2"),
            layer("Activation", "a", activation="hard_sigmoid"),
        ),
        DENSE,
    ),
    "an activity regularizer inside a wrapper": (
        sequential(
            input_layer(shape=(None, 5, 4)),
            layer(
                "TimeDistributed", "td", layer=dense("inner", activity_regularizer={"class_name": "L1L2", "config": {}})
            ),
        ),
        {"td/kernel": [4, 3], "td/bias": [3]},
    ),
}


def keras3_model() -> dict[str, Any]:
    """A functional model as Keras 3.15 writes it."""
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
    glorot = {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {}, "registered_name": None}
    history = {"class_name": "__keras_tensor__", "config": {"keras_history": ["in", 0, 0]}}
    first = layer("InputLayer", "in", [], batch_shape=[None, 4], dtype="float32", sparse=False)
    nodes = [{"args": [history], "kwargs": {}}]
    second = layer("Dense", "dense", nodes, units=3, dtype=policy, kernel_initializer=glorot, activation="silu")
    return functional(first, second, inputs=["in", 0, 0], outputs=["dense", 0, 0])


def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def strings(*values: str) -> dict[str, Any]:
    return {"list": {"s": [base64.b64encode(value.encode()).decode() for value in values]}}


SIGNATURE = {"inputs": {"x": {"name": "x:0"}}, "outputs": {"y": {"name": "y:0"}}}


def examine_graph(folder: Path, *nodes: dict[str, Any], weights: Any = None, **document: Any) -> list[Finding]:
    topology = {"node": list(nodes), "versions": {}, **document.pop("topology", {})}
    document = {"format": "graph-model", "signature": SIGNATURE, **document}
    return examine(write(folder, topology, {"w": [2, 2]} if weights is None else weights, **document), VOCABULARY)


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
