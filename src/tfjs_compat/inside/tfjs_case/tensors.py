"""A folder of named tensors: tensors.json (names, dtypes, shapes, offsets) and tensors.bin (little-endian, C order)."""

import json
import os

import numpy as np


def write(folder, batches, noise=None, random=()):
    """Write the batches, each ``[(name, array), …]``. Text tensors go into the JSON as lists.

    ``noise``: name → how far rounding moves an output; ``random``: the names of those that differ from themselves.
    """
    os.makedirs(folder, exist_ok=True)
    rows, offset = [], 0
    with open(os.path.join(folder, "tensors.bin"), "wb") as file:
        for batch, name, array in [(batch, *each) for batch, named in enumerate(batches) for each in named]:
            array = np.asarray(array)
            row = {"name": name, "shape": list(array.shape), "batch": batch}
            if noise and noise.get(name) is not None:
                row["noise"] = noise[name]
            if name in random:
                row["random"] = True
            if array.dtype.kind in "OSU":
                row.update(dtype="string", values=[_text(value) for value in array.reshape(-1)])
            else:
                if array.dtype.name == "bfloat16":
                    array = array.astype("float32")
                data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
                file.write(data)
                row.update(dtype=array.dtype.name, offset=offset, bytes=len(data))
                offset += len(data)
            rows.append(row)
    with open(os.path.join(folder, "tensors.json"), "w", encoding="utf-8") as file:
        json.dump({"tensors": rows}, file)


def read(folder):
    """What ``write`` wrote, ``(batches, noise, random)``."""
    with open(os.path.join(folder, "tensors.json"), encoding="utf-8") as file:
        rows = json.load(file)["tensors"]
    path = os.path.join(folder, "tensors.bin")
    data = b""
    if os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
    batches = [[] for _ in range(1 + max([row.get("batch", 0) for row in rows] or [0]))]
    for row in rows:
        if row["dtype"] == "string":
            array = np.array(row["values"], dtype=object)
        else:
            part = data[row["offset"] : row["offset"] + row["bytes"]]
            array = np.frombuffer(part, dtype=np.dtype(row["dtype"]).newbyteorder("<"))
        batches[row.get("batch", 0)].append((row["name"], array.reshape(row["shape"])))
    noise = {row["name"]: row["noise"] for row in rows if "noise" in row}
    return batches, noise, [row["name"] for row in rows if row.get("random")]


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
