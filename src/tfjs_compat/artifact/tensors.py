"""Folders of named tensors: how Python and JavaScript hand each other inputs and predictions.

A folder holds ``tensors.json`` (``{"tensors": [{"name", "dtype", "shape", "offset", "bytes"}]}``, in the model's own
order) and ``tensors.bin`` (little-endian, C order). A tensor of dtype ``string`` has ``values``, a flat list, instead
of offset and bytes. A folder holds one batch or several: ``batch`` counts them from 0.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tfjs_compat.artifact.shards import open_regular
from tfjs_compat.system.decoding import Reader

MAX_BYTES = 1 << 30
"""Of either file. A child wrote them, so that they may be of any length."""

_DTYPES = frozenset(
    [
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "complex64",
        "complex128",
    ]
)


class Tensor(NamedTuple):
    """A tensor and its name. Strings are an object array of ``str``.

    ``batch`` says with which tensors it belongs together. Of predictions ``noise`` is how far rounding alone moves
    them, in their own unit, None where that is not known; ``random``: the model gives others for the same input.
    ``logits`` names the activation, softmax or sigmoid, where this is not an output but what its last activation is
    given; empty for an output.
    """

    name: str
    values: npt.NDArray[Any]
    batch: int = 0
    noise: float | None = None
    random: bool = False
    logits: str = ""


class DamagedTensorsError(Exception):
    """A tensor folder that cannot be read: what is wrong with which file, or which tensor."""


class _Entry(msgspec.Struct, omit_defaults=True):
    name: str
    dtype: str
    shape: list[int]
    offset: int | None = None
    bytes: int | None = None
    values: list[str] | None = None
    batch: int = 0
    noise: float | None = None
    random: bool = False
    logits: str = ""


class _Index(msgspec.Struct):
    tensors: list[_Entry]


_INDEX = Reader[_Index](_Index)


def read_tensors(folder: Path, *, max_bytes: int = MAX_BYTES) -> tuple[Tensor, ...]:
    """The tensors of a folder, in its order.

    Raises DamagedTensorsError, whatever was done to the folder; also for a file of more than ``max_bytes`` bytes.
    """
    try:
        index = _INDEX.decode(_read(folder, "tensors.json", max_bytes))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedTensorsError(f"{folder.name}: tensors.json: {error}") from error
    needs_data = any(entry.dtype != "string" for entry in index.tensors)
    data = _read(folder, "tensors.bin", max_bytes) if needs_data else b""
    return tuple(
        Tensor(entry.name, _values(entry, data), entry.batch, entry.noise, entry.random, entry.logits)
        for entry in index.tensors
    )


def write_tensors(folder: Path, tensors: Iterable[Tensor]) -> None:
    """Write a folder of tensors, as the Python half of a case does. Raises OSError."""
    entries, parts, offset = list[_Entry](), list[bytes](), 0
    for tensor in tensors:
        array = np.asarray(tensor.values)
        shape = list(array.shape)
        more: dict[str, Any] = {
            "batch": tensor.batch,
            "noise": tensor.noise,
            "random": tensor.random,
            "logits": tensor.logits,
        }
        if array.dtype.kind in "OSU":
            texts = [text.decode() if isinstance(text, bytes) else str(text) for text in array.ravel()]
            entries.append(_Entry(tensor.name, "string", shape, values=texts, **more))
            continue
        part = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        entries.append(_Entry(tensor.name, array.dtype.name, shape, offset, len(part), **more))
        parts.append(part)
        offset += len(part)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tensors.bin").write_bytes(b"".join(parts))
    (folder / "tensors.json").write_bytes(msgspec.json.encode(_Index(entries)))


def _read(folder: Path, name: str, max_bytes: int) -> bytes:
    """A regular file, never a pipe that would block."""
    opened = open_regular(folder / name)
    if opened is None:
        raise DamagedTensorsError(f"{folder.name}: {name}: no regular file that can be read")
    with os.fdopen(opened, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise DamagedTensorsError(f"{folder.name}: {name}: {size} bytes; more than {max_bytes} are not read")
        try:
            return file.read(size)
        except OSError as error:
            raise DamagedTensorsError(f"{folder.name}: {name}: {error.strerror}") from error


def _values(entry: _Entry, data: bytes) -> npt.NDArray[Any]:
    if any(size < 0 for size in entry.shape):
        raise DamagedTensorsError(f"tensor {entry.name!r}: negative size in shape {entry.shape}")
    count = math.prod(entry.shape)
    if entry.dtype == "string":
        if entry.values is None or len(entry.values) != count:
            raise DamagedTensorsError(f"tensor {entry.name!r}: shape {entry.shape} does not hold its values")
        strings = np.empty(count, object)
        strings[:] = entry.values
        return strings.reshape(entry.shape)
    if entry.dtype not in _DTYPES:
        raise DamagedTensorsError(f"tensor {entry.name!r}: unknown dtype {entry.dtype!r}")
    dtype = np.dtype(entry.dtype).newbyteorder("<")
    start, length = entry.offset, entry.bytes
    if start is None or length is None or start < 0 or length != count * dtype.itemsize:
        raise DamagedTensorsError(f"tensor {entry.name!r}: shape {entry.shape} of {entry.dtype} is not {length} bytes")
    if start + length > len(data):
        raise DamagedTensorsError(f"tensor {entry.name!r}: tensors.bin ends at byte {len(data)} of {start + length}")
    return np.frombuffer(data, dtype, count, start).reshape(entry.shape)
