"""Folders of named tensors: how Python and JavaScript hand each other inputs and predictions.

A folder holds ``tensors.json`` (``{"tensors": [{"name", "dtype", "shape", "offset", "bytes"}]}``, in the model's own
order) and ``tensors.bin`` (little-endian, C order). A tensor of dtype ``string`` has ``values``, a flat list, instead
of offset and bytes.
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
    """A tensor and its name. Strings are an object array of ``str``."""

    name: str
    values: npt.NDArray[Any]


class DamagedTensorsError(Exception):
    """A tensor folder that cannot be read: what is wrong with which file, or which tensor."""


class _Entry(msgspec.Struct, omit_defaults=True):
    name: str
    dtype: str
    shape: list[int]
    offset: int | None = None
    bytes: int | None = None
    values: list[str] | None = None


class _Index(msgspec.Struct):
    tensors: list[_Entry]


def read_tensors(folder: Path) -> tuple[Tensor, ...]:
    """The tensors of a folder, in its order. Raises DamagedTensorsError, whatever was done to the folder."""
    try:
        index = msgspec.json.decode((folder / "tensors.json").read_bytes(), type=_Index)
        needs_data = any(entry.dtype != "string" for entry in index.tensors)
        data = (folder / "tensors.bin").read_bytes() if needs_data else b""
    except OSError as error:
        raise DamagedTensorsError(f"{folder.name}: {Path(error.filename or '').name}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedTensorsError(f"{folder.name}: tensors.json: {error}") from error
    return tuple(Tensor(entry.name, _values(entry, data)) for entry in index.tensors)


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


def write_tensors(folder: Path, tensors: Iterable[Tensor]) -> None:
    """Write a folder. A reader sees it whole or not at all: the index is put in place last.

    Raises ValueError for a dtype that a folder cannot hold.
    """
    entries: list[_Entry] = []
    parts: list[bytes] = []
    offset = 0
    for name, values in tensors:
        array = np.asarray(values)
        shape = list(array.shape)
        if array.dtype.kind in "OSU":
            flat = [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in array.ravel()]
            entries.append(_Entry(name, "string", shape, values=flat))
            continue
        if array.dtype.name not in _DTYPES:
            raise ValueError(f"tensor {name!r}: dtype {array.dtype.name} cannot be stored")
        part = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        entries.append(_Entry(name, array.dtype.name, shape, offset, len(part)))
        parts.append(part)
        offset += len(part)
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / "tensors.bin", b"".join(parts))
    _put(folder / "tensors.json", msgspec.json.encode(_Index(entries)))


def _put(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.write_bytes(content)
    beside.replace(path)
