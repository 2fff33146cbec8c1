"""Code in a model's file is found by reading the file; what is no code is not taken for it."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.samples import ROOT

sys.path.append(str(ROOT / "src" / "tfjs_compat" / "inside"))

from tfjs_case import foreign_code

CODE = ["4wEAAAAAAAAA", None, None]
KERAS_2 = {"class_name": "Lambda", "config": {"name": "double", "function": CODE, "function_type": "lambda"}}
KERAS_2_SHAPE = {
    "class_name": "Lambda",
    "config": {"name": "double", "function": "f", "function_type": "function", "output_shape": CODE},
}
KERAS_3 = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"name": "double", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
}
ACTIVATION = {"class_name": "Dense", "config": {"name": "d", "activation": {"class_name": "__lambda__", "config": {}}}}
STARTS = {
    "class_name": "Dense",
    "config": {"name": "d", "activation": {"module": "os", "class_name": "function", "config": "system"}},
}
FETCHES = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {
        "name": "fetch",
        "function": {"module": "keras.utils", "class_name": "function", "config": "get_file"},
    },
}
UNLOCKS = {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"}
CLASS = {"module": "subprocess", "class_name": "Popen", "config": {"args": "x"}}
WRITES = {"class_name": "TFOpLambda", "config": {"name": "w", "function": "io.write_file"}}
FETCHES_AS_OPERATION = {"class_name": "TFOpLambda", "config": {"name": "w", "function": "keras.utils.get_file"}}


def called(module: str, name: str, kind: str = "function") -> dict[str, Any]:
    """A function in place of a layer: Keras calls it with what stands in ``inbound_nodes`` (CVE-2025-1550)."""
    config = {"config": name} if kind == "function" else {"config": {}}
    return {"module": module, "class_name": kind, **config, "inbound_nodes": [{"args": ["code"], "kwargs": {}}]}


DENSE = {"class_name": "Dense", "config": {"name": "d", "activation": "relu", "module": "os"}}
NAMED = {"class_name": "Lambda", "config": {"name": "n", "function": "clip", "function_type": "function"}}
OF_KERAS = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"name": "n", "function": {"module": "keras.ops", "class_name": "function", "config": "relu"}},
}
CUSTOM = {"module": "nobody_has_this_module", "class_name": "Gate", "config": {"name": "gate"}}
ADDS = {"class_name": "TFOpLambda", "config": {"name": "a", "function": "math.add"}}


def around(layer: dict[str, Any], depth: int = 3) -> dict[str, Any]:
    for number in range(depth):
        layer = {"class_name": "Sequential", "config": {"name": f"s{number}", "layers": [layer, DENSE]}}
    return layer


def keras_file(path: Path, config: object, **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        for name, content in more.items():
            archive.writestr(name.replace("__", "."), content)
    return path


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (KERAS_2, "the layer 'double' (Lambda) is Python code"),
        (KERAS_2_SHAPE, "the layer 'double' (Lambda) is Python code"),
        (KERAS_3, "the layer 'double' (Lambda) is Python code"),
        (ACTIVATION, "a lambda of the layer 'd' is Python code"),
        *(
            (
                {"module": "builtins", "class_name": kind, "config": name, "inbound_nodes": [{"args": ["1"]}]},
                f"builtins.{name} of the layer 's0' is a function that it names",
            )
            for kind, name in (("function", "eval"), ("function", "exec"), ("function", "__import__"), ("type", "open"))
        ),
        (
            {
                "class_name": "Dense",
                "config": {"name": "d", "activation": {"module": "builtins", "class_name": "exec"}},
            },
            "builtins.exec of the layer 'd' is code that it names",
        ),
        (STARTS, "os.system of the layer 'd' is a function that it names"),
        (FETCHES, "the layer 'fetch' (Lambda) calls keras.utils.get_file"),
        (UNLOCKS, "keras.config.enable_unsafe_deserialization of the layer 's0' is a function that it names"),
        (CLASS, "subprocess.Popen of the layer 's0' is code that it names"),
        (WRITES, "io.write_file of the layer 'w' is a function that it names"),
        (FETCHES_AS_OPERATION, "keras.utils.get_file of the layer 'w' is a function that it names"),
        (called("builtins", "eval"), "builtins.eval of the layer 's0' is a function that it names"),
        (called("builtins", "", "exec"), "builtins.exec of the layer 's0' is code that it names"),
        (called("keras.utils", "", "get_file"), "keras.utils.get_file of the layer 's0' is code that it names"),
        (called("keras.models", "", "load_model"), "keras.models.load_model of the layer 's0' is code that it names"),
        (called("keras.src.utils.file_utils", "makedirs"), "makedirs of the layer 's0' is a function that it names"),
        (called("keras.callbacks", "", "CSVLogger"), "keras.callbacks.CSVLogger of the layer 's0' is code"),
        (called("keras.layers", "", "TFSMLayer"), "(TFSMLayer) loads a SavedModel by its path"),
        (called("keras.layers", "", "TorchModuleWrapper"), "(TorchModuleWrapper) unpickles a module of PyTorch"),
        (called("keras.layers", "", "JaxLayer"), "(JaxLayer) calls functions that it names"),
        ({"class_name": "__typespec__", "spec_name": "run", "module": "subprocess"}, "subprocess.run of the layer"),
    ],
)
def test_code_is_found_wherever_it_is(tmp_path: Path, layer: dict[str, Any], says: str) -> None:
    path = keras_file(tmp_path / "m.keras", around(layer))
    (found,) = foreign_code.found_in(str(path), "keras")
    assert says in found
    # As Keras 2 wraps a model in a layer: its description is a text.
    wrapped = {"class_name": "Wrapper", "config": {"name": "s0", "model": json.dumps(around(layer, 1))}}
    assert foreign_code.found_in(str(keras_file(path, wrapped)), "keras") == [found]


RELU = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
LISTS = {"module": "builtins", "class_name": "list", "config": [1]}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-32-be", "utf-8-sig"])
def test_a_description_in_any_encoding_that_is_json_is_looked_through(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(around(STARTS)).encode(encoding))
    assert foreign_code.found_in(str(path), "keras") != []


@pytest.mark.parametrize("kind", ["h5", "keras"])
@pytest.mark.parametrize("at", [0, 512, 2048])
@pytest.mark.parametrize("code_in", ["h5", "zip"])
def test_a_file_that_is_of_both_kinds_is_looked_through_as_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, at: int, code_in: str
) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(bytes(at) + b"\x89HDF\r\n\x1a\n" + bytes(100))
    # What h5py reads of it, which only environments have.
    config = around(KERAS_2 if code_in == "h5" else DENSE)
    monkeypatch.setattr(foreign_code, "_config_of_h5", lambda _: config)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", json.dumps(around(STARTS if code_in == "zip" else DENSE)))
    assert foreign_code.found_in(str(path), kind) != []


@pytest.mark.parametrize(
    "layer",
    [
        DENSE,
        NAMED,
        OF_KERAS,
        CUSTOM,
        ADDS,
        RELU,
        LISTS,
        called("keras", "", "Functional"),
        called("keras.src.models.functional", "", "Functional"),
        called("tf_keras.src.engine.functional", "", "Functional"),
        called("keras.dtype_policies", "", "DTypePolicy"),
        called("keras.optimizers.schedules", "", "CosineDecay"),
        called("builtins", "my_activation"),
        called("keras.activations", "gelu"),
        {"class_name": "__typespec__", "spec_name": "TensorSpec", "module": "tensorflow.python.framework.tensor_spec"},
        {"class_name": "TFOpLambda", "config": {"name": "r", "function": "image.resize"}},
        {"class_name": "TFOpLambda", "config": {"name": "r", "function": "compat.v1.gather"}},
        {"class_name": "SlicingOpLambda", "config": {"name": "r", "function": "__operators__.getitem"}},
        {"class_name": "TFOpLambda", "config": {"name": "r", "function": "expand_dims"}},
        {"class_name": "TFOpLambda", "config": {"name": "r", "function": "debugging.assert_near"}},
    ],
)
def test_what_is_no_code_is_not_refused(tmp_path: Path, layer: dict[str, Any]) -> None:
    path = keras_file(tmp_path / "m.keras", around(layer))
    assert foreign_code.found_in(str(path), "keras") == []
    foreign_code.refuse(str(path), "keras")


def test_a_refusal_names_file_and_layer(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "theirs.keras", around(KERAS_3))
    with pytest.raises(
        foreign_code.UntrustedCode, match=r"theirs\.keras: the layer 'double' \(Lambda\) is Python code"
    ):
        foreign_code.refuse(str(path), "keras")


def test_texts_in_texts_are_not_lost_sight_of(tmp_path: Path) -> None:
    layer: dict[str, Any] = STARTS
    for number in range(12):
        layer = {"class_name": "Wrapper", "config": {"name": f"w{number}", "model": json.dumps(layer)}}
    path = keras_file(tmp_path / "m.keras", layer)
    assert foreign_code.found_in(str(path), "keras") != []


def saved(array: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, x=array, **how)
    return file.getvalue()


def test_pickles_in_an_archive_are_found(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    pickled = saved(np.array([{"a": 1}], dtype=object))
    assert foreign_code.found_in(str(keras_file(path, DENSE, weights__npz=pickled)), "keras") == [
        "weights.npz holds pickled objects"
    ]
    assert foreign_code.found_in(str(keras_file(path, DENSE, asset__pkl=b"x")), "keras") == ["asset.pkl is a pickle"]
    assert foreign_code.found_in(str(keras_file(path, DENSE, weights__npz=saved(np.ones(3)))), "keras") == []


def test_what_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[" * 100_000 + "]" * 100_000)
    assert "too deep" in str(foreign_code.found_in(str(path), "keras"))


def field(number: int, content: bytes) -> bytes:
    length = len(content)
    size = b""
    while length >= 0x80:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def test_the_layers_of_a_saved_model_are_looked_through(tmp_path: Path) -> None:
    node = field(3, b"root.layer-1") + b"\x10\x07" + field(5, json.dumps(around(KERAS_2)).encode())
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert foreign_code.found_in(str(tmp_path), "saved-model") == []
    (tmp_path / "keras_metadata.pb").write_bytes(field(1, field(5, b"{}")) + field(1, node))
    assert foreign_code.found_in(str(tmp_path), "saved-model") == ["the layer 'double' (Lambda) is Python code"]
    # A group, which a reader of protobuf skips, hides nothing.
    hidden = bytes([9 << 3 | 3, 9 << 3 | 4]) + field(1, node)
    (tmp_path / "keras_metadata.pb").write_bytes(hidden)
    assert foreign_code.found_in(str(tmp_path), "saved-model") == ["the layer 'double' (Lambda) is Python code"]
    (tmp_path / "keras_metadata.pb").unlink()
    metadata = field(4, field(3, json.dumps(KERAS_2).encode()))
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01" + field(2, field(7, field(1, metadata))))
    assert foreign_code.found_in(str(tmp_path), "saved-model") == ["the layer 'double' (Lambda) is Python code"]


@pytest.mark.parametrize("content", [b"", b"\xff" * 30, field(1, b"x" * 300)[:100]])
def test_damaged_metadata_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keras_metadata.pb").write_bytes(content)
    assert foreign_code.found_in(str(tmp_path), "saved-model") == []
