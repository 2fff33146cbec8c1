"""Writes folders of tensors, as the Python half of a case does (``inside/tfjs_case/tensors.py``)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfjs_compat.artifact.tensors import Tensor


def write_tensors(folder: Path, tensors: Iterable[Tensor]) -> None:
    entries: list[dict[str, Any]] = []
    parts: list[bytes] = []
    offset = 0
    for tensor in tensors:
        array = np.asarray(tensor.values)
        entry: dict[str, Any] = {"name": tensor.name, "dtype": array.dtype.name, "shape": list(array.shape)}
        extra = {"batch": tensor.batch, "noise": tensor.noise, "random": tensor.random}
        entry |= {key: value for key, value in extra.items() if value}
        if array.dtype.kind in "OSU":
            texts = [text.decode() if isinstance(text, bytes) else str(text) for text in array.ravel()]
            entries.append({**entry, "dtype": "string", "values": texts})
            continue
        part = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        entries.append({**entry, "offset": offset, "bytes": len(part)})
        parts.append(part)
        offset += len(part)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tensors.bin").write_bytes(b"".join(parts))
    (folder / "tensors.json").write_text(json.dumps({"tensors": entries}))
