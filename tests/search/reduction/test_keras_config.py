"""The two forms in which Keras writes a model's configuration, read as the same network."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tfjs_compat.search.reduction.code import NotExpressibleError, code_of
from tfjs_compat.search.reduction.keras_config import NoNetworkError, network_of
from tfjs_compat.search.reduction.network import Ref

CLASSES = {
    "Dense": {"module": "keras.src.layers.core.dense", "required": ["units"], "accepted": ["units", "activation"]},
    "Concatenate": {"module": "keras.src.layers.merging.concatenate", "required": [], "accepted": ["axis"]},
    "Sine": {"module": "train", "required": ["units"], "accepted": ["units"]},
}


def entry(kind: str, name: str, inbound: Any, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": inbound}


def tensor(name: str, node: int = 0, output: int = 0) -> dict[str, Any]:
    history = {"shape": [None, 4], "dtype": "float32", "keras_history": [name, node, output]}
    return {"class_name": "__keras_tensor__", "config": history}


def call(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"args": list(args), "kwargs": kwargs}


KERAS_2 = {
    "layers": [
        entry("InputLayer", "a", [], batch_input_shape=[None, 4], dtype="float32"),
        entry("InputLayer", "b", [], batch_input_shape=[None, 4], dtype="float32"),
        entry("Dense", "shared", [[["a", 0, 0, {}]], [["b", 0, 0, {}]]], units=3, trainable=True, kernel="x"),
        entry("Concatenate", "both", [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]], axis=-1),
    ],
    "input_layers": [["a", 0, 0], ["b", 0, 0]],
    "output_layers": [["both", 0, 0], ["shared", 1, 0]],
}
KERAS_3 = {
    "layers": [
        entry("InputLayer", "a", [], batch_shape=[None, 4], dtype="float32"),
        entry("InputLayer", "b", [], batch_shape=[None, 4], dtype="float32"),
        entry("Dense", "shared", [call(tensor("a")), call(tensor("b"))], units=3, trainable=True, kernel="x"),
        entry("Concatenate", "both", [call([tensor("shared"), tensor("shared", 1)], training=False)], axis=-1),
    ],
    "input_layers": [["a", 0, 0], ["b", 0, 0]],
    "output_layers": [["both", 0, 0], ["shared", 1, 0]],
}


def described(config: Any, kind: str = "Functional", **more: Any) -> dict[str, Any]:
    return {"model": {"class_name": kind, "config": config}, "classes": CLASSES, **more}


def test_both_generations_say_the_same() -> None:
    network = network_of(described(KERAS_2))
    assert network == network_of(described(KERAS_3))
    assert [node.id for node in network.nodes] == ["shared", "shared#1", "both"]
    assert network.nodes[2].args == ((Ref("shared"), Ref("shared#1")),)
    assert network.layers["shared"].required == ("units",)
    assert network.layers["shared"].config == {"name": "shared", "units": 3, "trainable": True}
    assert network.count_layers() == 2


def test_it_is_written_as_a_person_would() -> None:
    assert code_of(network_of(described(KERAS_2))).splitlines() == [
        "from tensorflow import keras",
        "",
        "layers = keras.layers",
        "",
        "",
        "def build():",
        '    inputs = keras.Input(shape=(4,), name="a")',
        '    inputs_2 = keras.Input(shape=(4,), name="b")',
        '    shared = layers.Dense(name="shared", units=3, trainable=True)',
        "    x = shared(inputs)",
        "    x_2 = shared(inputs_2)",
        '    x_3 = layers.Concatenate(name="both", axis=-1)([x, x_2])',
        "    return keras.Model([inputs, inputs_2], [x_3, x_2])",
    ]


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [(["a", 0, 0], ["x", 0, 0]), ([["a", 0, 0]], {"y": ["x", 0, 0]}), ({"a": ["a", 0, 0]}, [["x", 0, 0]])],
)
def test_flat_and_named_inputs_and_outputs(inputs: Any, outputs: Any) -> None:
    config = {"layers": [KERAS_3["layers"][0], entry("Dense", "x", [call(tensor("a"))], units=2)]}
    network = network_of(described({**config, "input_layers": inputs, "output_layers": outputs}))
    assert ([each.id for each in network.inputs], network.outputs) == (["a"], (Ref("x"),))


def test_a_sequential_model_is_a_list_of_layers() -> None:
    config = {"name": "s", "layers": [KERAS_2["layers"][0], entry("Dense", "x", None, units=2, activation="relu")]}
    network = network_of(described(config, "Sequential"))
    assert network.sequential
    assert 'keras.Sequential([keras.Input(shape=(4,), name="a"), layers.Dense(' in code_of(network)


def test_a_sequential_model_without_an_input_layer_takes_what_it_was_built_for() -> None:
    config = {"layers": [entry("Dense", "x", None, units=2)]}
    with pytest.raises(NoNetworkError, match="nothing says what it takes"):
        network_of(described(config, "Sequential"))
    inputs = [{"batch_shape": [3, 7], "dtype": "float32"}]
    assert "shape=(7,), batch_size=3" in code_of(network_of(described(config, "Sequential", inputs=inputs)))


def test_a_longer_sequential_model_has_a_line_for_each_layer() -> None:
    entries = [entry("Dense", name, None, units=2) for name in ("x", "y")]
    network = network_of(described({"layers": [KERAS_2["layers"][0], *entries]}, "Sequential"))
    assert code_of(network).splitlines()[-7:] == [
        "    return keras.Sequential(",
        "        [",
        '            keras.Input(shape=(4,), name="a"),',
        '            layers.Dense(name="x", units=2),',
        '            layers.Dense(name="y", units=2),',
        "        ]",
        "    )",
    ]
    weighted = code_of(replace(network, random_weights=True))
    compile(weighted, "reduced.py", "exec")
    assert weighted.startswith("import numpy as np\n")
    assert weighted.endswith("    return model\n")


def test_a_class_of_the_users_own_is_imported_from_its_module() -> None:
    config = {"layers": [KERAS_2["layers"][0], entry("mine>Sine", "x", None, units=2)]}
    code = code_of(network_of(described(config, "Sequential")))
    assert "from train import Sine" in code
    assert 'Sine(name="x", units=2)' in code


def test_tensors_among_keyword_arguments_are_inputs() -> None:
    keras_2 = [["a", 0, 0, {"initial_state": ["b", 0, 0], "training": None, "mask": None}]]
    keras_3 = call(tensor("a"), initial_state=tensor("b"), mask=None)
    for inbound in ([keras_2], [keras_3]):
        layers = [*KERAS_2["layers"][:2], entry("Dense", "x", inbound, units=1)]
        network = network_of(described({**KERAS_2, "layers": layers, "output_layers": [["x", 0, 0]]}))
        assert network.nodes[0].args == (Ref("a"),)
        assert network.nodes[0].kwargs == {"initial_state": Ref("b")}


def test_inner_models_wrappers_and_initializers_become_code() -> None:
    inner = {"layers": [KERAS_2["layers"][0], entry("Dense", "y", None, units=2)]}
    wrapped = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 5}, "registered_name": None}
    initial = {"class_name": "HeNormal", "module": "keras.initializers", "config": {"seed": None}}
    config = {
        "layers": [
            KERAS_2["layers"][0],
            {"class_name": "Sequential", "config": inner, "name": "s", "inbound_nodes": [[["a", 0, 0, {}]]]},
            entry("TimeDistributed", "t", [[["s", 0, 0, {}]]], layer=wrapped, kernel_initializer=initial, pad=[2, 2]),
        ],
        "input_layers": [["a", 0, 0]],
        "output_layers": [["t", 0, 0]],
    }
    code = code_of(network_of(described(config)))
    compile(code, "reduced.py", "exec")
    assert 's = keras.Sequential([keras.Input(shape=(4,), name="a"), layers.Dense(' in code
    assert "layer=layers.Dense(units=5)" in code
    assert "kernel_initializer=keras.initializers.HeNormal(seed=None)" in code
    assert "pad=(2, 2)" in code


@pytest.mark.parametrize(
    ("function", "written"),
    [("__operators__.add", "x = inputs + inputs_2"), ("math.multiply", "x = tf.math.multiply(inputs, y=inputs_2)")],
)
def test_operations_of_keras_2_are_written_as_python(function: str, written: str) -> None:
    operation = entry("TFOpLambda", "x", [["a", 0, 0, {"y": ["b", 0, 0], "name": None}]], function=function)
    config = {**KERAS_2, "layers": [*KERAS_2["layers"][:2], operation], "output_layers": [["x", 0, 0]]}
    code = code_of(network_of(described(config)))
    assert f"    {written}\n" in code
    assert ("import tensorflow as tf" in code) == ("tf." in written)


COLON = {"start": None, "stop": None, "step": None}
UP_TO_3 = {"start": 1, "stop": 3, "step": None}


@pytest.mark.parametrize(
    "slicing",
    [
        entry("SlicingOpLambda", "x", [["a", 0, 0, {"slice_spec": [COLON, UP_TO_3, 0]}]]),
        entry("GetItem", "x", [call(tensor("a"), {"class_name": "__tuple__", "items": [COLON, UP_TO_3, 0]})]),
        entry("GetItem", "x", [call(tensor("a"), [{"class_name": "__slice__", "config": COLON}, UP_TO_3, 0])]),
    ],
)
def test_slices_are_written_as_slices(slicing: dict[str, Any]) -> None:
    config = {**KERAS_2, "layers": [*KERAS_2["layers"][:1], slicing], "output_layers": [["x", 0, 0]]}
    assert "    x = inputs[:, 1:3, 0]\n" in code_of(network_of(described({**config, "input_layers": [["a", 0, 0]]})))


def test_what_cannot_be_written_is_named() -> None:
    method = entry("InstanceMethod", "x", [["a", 0, 0, {}]])
    config = {**KERAS_2, "layers": [*KERAS_2["layers"][:1], method], "output_layers": [["x", 0, 0]]}
    with pytest.raises(NotExpressibleError, match="InstanceMethod"):
        code_of(network_of(described({**config, "input_layers": [["a", 0, 0]]})))


@pytest.mark.parametrize("kind", ["Sequential", "Classifier"])
@pytest.mark.parametrize("config", [{"units": 3}, [], {"layers": {}}, {"layers": [], "name": "x"}])
def test_a_model_without_layers_is_none(config: Any, kind: str) -> None:
    with pytest.raises(NoNetworkError):
        network_of(described(config, kind))
