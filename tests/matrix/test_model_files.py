"""What a model's files say before anything is run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.samples import model

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.model_files import holds_keras_model
from tfjs_compat.matrix.models import Kind, find_model
from tfjs_compat.matrix.routes import find_route, why_unavailable


@pytest.mark.parametrize(
    ("content", "metadata", "holds"),
    [
        (b"\x08\x01 functions alone", False, False),
        (b"\x08\x01 _tf_keras_sequential", False, True),
        (b"\x08\x01", True, True),
    ],
)
def test_a_saved_model_says_whether_it_holds_a_keras_model(
    tmp_path: Path, content: bytes, metadata: bool, holds: bool
) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)
    if metadata:
        (tmp_path / "keras_metadata.pb").write_bytes(b"")
    assert holds_keras_model(tmp_path) is holds


def test_functions_alone_take_the_graph_routes_only() -> None:
    functions = msgspec.structs.replace(model("m", Kind.SAVED_MODEL), is_keras=False)
    assert "functions alone" in (why_unavailable(find_route("layers"), "2.19.0", "4.22.0", functions) or "")
    assert why_unavailable(find_route("graph"), "2.19.0", "4.22.0", functions) is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("frozen_graph.pb", b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder", "frozen graph"),
        ("renamed.bin", b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder", "frozen graph"),
        ("m.tflite", b"\x1c\x00\x00\x00TFL3\x00\x00", "TensorFlow Lite"),
        ("m.onnx", b"\x08\x07\x12\x07pytorch", "ONNX"),
        ("m.pt", b"\x80\x02}q\x00.....", "PyTorch"),
        ("m.dat", b"something else", "neither a .keras archive nor an HDF5 file"),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_way_to_go_on(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=said) as raised:
        find_model(name, tmp_path)
    assert "\nhint: " in str(raised.value)
