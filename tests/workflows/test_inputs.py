"""Files of inputs that are refused before anything is done."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfjs_compat.errors import RequestError
from tfjs_compat.workflows.inputs import require_inputs


@pytest.mark.parametrize("content", [b"", b"def build(): pass\n", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(RequestError, match=r"x\.npz: not a \.npz file"):
        require_inputs(tmp_path / "x.npz")


@pytest.mark.parametrize("values", [np.zeros((1, 2)), np.array(["a", "ß"]), np.array(7), np.zeros((0, 3), "complex64")])
def test_arrays_of_numbers_and_texts_are_accepted(tmp_path: Path, values: Any) -> None:
    np.savez_compressed(tmp_path / "good.npz", image=values, other=np.ones(2))
    require_inputs(tmp_path / "good.npz")
    require_inputs(None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(["a"], dtype=object), "array 'x': it holds Python objects.*\nhint: save strings as dtype='U'"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "array 'x': no model takes the dtype datetime64"),
        (np.zeros(2, dtype=[("a", "f4")]), "array 'x': no model takes the dtype"),
    ],
)
def test_values_that_no_model_takes(tmp_path: Path, values: Any, message: str) -> None:
    np.savez(tmp_path / "x.npz", x=values)
    with pytest.raises(RequestError, match=f"(?s)--inputs .*{message}"):
        require_inputs(tmp_path / "x.npz")


def header(shape: tuple[int, ...]) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return made.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"garbage", header((1 << 50,)), header((-1,)), header((2,)) + b"1234", b"\x93NUMPY\x03\x00" + b"x" * 99],
    ids=["no header", "huge shape", "negative shape", "cut off", "records"],
)
def test_a_damaged_array_is_named(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("image.npy", content)
    with pytest.raises(RequestError, match="array 'image': damaged"):
        require_inputs(tmp_path / "x.npz")


def test_flipped_bytes_are_found(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros(1000))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[500] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(RequestError, match="array 'x': damaged: Bad CRC-32"):
        require_inputs(tmp_path / "x.npz")


def test_an_archive_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", b"")
        archive.getinfo("x.npy").file_size = 1 << 31
    with pytest.raises(RequestError, match="its arrays have 2147483648 bytes; more than 1073741824"):
        require_inputs(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no such file"),
        (Path.mkdir, "cannot be read"),
        (os.mkfifo, "cannot be read: not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read: not a regular file"),
        (lambda path: path.symlink_to(path.name), "cannot be used: Too many levels of symbolic links"),
    ],
    ids=["missing", "folder", "pipe", "device", "circle"],
)
@pytest.mark.skipif(os.name == "nt", reason="pipes and devices")
def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path / "x.npz")
    with pytest.raises(RequestError, match=message):
        require_inputs(tmp_path / "x.npz")
