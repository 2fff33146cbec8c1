import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfjs_compat.artifact.tensors import DamagedTensorsError, Tensor, read_tensors, write_tensors

DTYPES = ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool", ">f4", ">i8"]
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@same_folder
@given(
    arrays=st.lists(
        st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0))),
        max_size=4,
    )
)
def test_what_is_written_is_read_back_in_order(tmp_path: Path, arrays: list[np.ndarray]) -> None:
    written = [Tensor(f"t{i % 2}", array) for i, array in enumerate(arrays)]
    write_tensors(tmp_path, written)
    read = read_tensors(tmp_path)
    assert [tensor.name for tensor in read] == [tensor.name for tensor in written]
    for tensor, original in zip(read, written, strict=True):
        assert tensor.values.dtype == original.values.dtype.newbyteorder("<")
        np.testing.assert_array_equal(tensor.values, original.values)


def test_strings_keep_their_shape(tmp_path: Path) -> None:
    write_tensors(tmp_path, [Tensor("text", np.array([["a", "höllo"], ["", "\n"]])), Tensor("raw", np.array([b"x"]))])
    text, raw = read_tensors(tmp_path)
    assert text.values.tolist() == [["a", "höllo"], ["", "\n"]]
    assert raw.values.tolist() == ["x"]


def test_the_format_on_disk(tmp_path: Path) -> None:
    write_tensors(tmp_path, [Tensor("a", np.array([1, 2], "int32")), Tensor("b", np.array(0.5, "float32"))])
    assert json.loads((tmp_path / "tensors.json").read_text()) == {
        "tensors": [
            {"name": "a", "dtype": "int32", "shape": [2], "offset": 0, "bytes": 8},
            {"name": "b", "dtype": "float32", "shape": [], "offset": 8, "bytes": 4},
        ]
    }
    assert (tmp_path / "tensors.bin").read_bytes() == bytes([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x3F])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tensors.bin", "tensors.json"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"shape": [3]}, "is not 8 bytes"),
        ({"shape": [-1, -2]}, "negative size"),
        ({"shape": [1 << 62, 1 << 62]}, "is not 8 bytes"),
        ({"offset": 4}, "ends at byte 8"),
        ({"offset": -8}, "is not"),
        ({"dtype": "object"}, "unknown dtype"),
        ({"dtype": "string"}, "does not hold its values"),
        ({"dtype": "string", "values": ["one"]}, "does not hold its values"),
        ({"dtype": 3}, "Expected `str`"),
        ({"name": None}, "Expected `str`"),
    ],
)
def test_a_damaged_index_is_refused(tmp_path: Path, entry: dict[str, object], reason: str) -> None:
    whole = {"name": "x", "dtype": "float32", "shape": [2], "offset": 0, "bytes": 8}
    (tmp_path / "tensors.json").write_text(json.dumps({"tensors": [whole | entry]}))
    (tmp_path / "tensors.bin").write_bytes(bytes(8))
    with pytest.raises(DamagedTensorsError, match=reason):
        read_tensors(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedTensorsError, match=r"tensors\.json"):
        read_tensors(tmp_path / "nowhere")
    write_tensors(tmp_path, [Tensor("x", np.zeros(2, "float32"))])
    (tmp_path / "tensors.bin").unlink()
    with pytest.raises(DamagedTensorsError, match=r"tensors\.bin"):
        read_tensors(tmp_path)


@pytest.mark.parametrize("name", ["tensors.json", "tensors.bin"])
def test_a_file_without_end_is_refused(tmp_path: Path, name: str) -> None:
    write_tensors(tmp_path, [Tensor("x", np.zeros(2, "float32"))])
    with (tmp_path / name).open("ab") as file:
        file.truncate(2000)
    with pytest.raises(DamagedTensorsError, match=rf"{name}: 2000 bytes; more than 1000"):
        read_tensors(tmp_path, max_bytes=1000)


@pytest.mark.parametrize("name", ["tensors.json", "tensors.bin"])
def test_a_pipe_does_not_block(tmp_path: Path, name: str) -> None:
    write_tensors(tmp_path, [Tensor("x", np.zeros(2, "float32"))])
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(DamagedTensorsError, match=name):
        read_tensors(tmp_path)


@same_folder
@given(cut=st.integers(0, 200), junk=st.binary(max_size=4), which=st.sampled_from(["tensors.json", "tensors.bin"]))
def test_any_damage_gives_tensors_or_a_refusal(tmp_path: Path, cut: int, junk: bytes, which: str) -> None:
    write_tensors(tmp_path, [Tensor("x", np.arange(6, dtype="int64")), Tensor("s", np.array(["a"]))])
    content = (tmp_path / which).read_bytes()
    (tmp_path / which).write_bytes(content[:cut] + junk + content[cut + len(junk) :])
    with contextlib.suppress(DamagedTensorsError):
        assert all(isinstance(tensor, Tensor) for tensor in read_tensors(tmp_path))
