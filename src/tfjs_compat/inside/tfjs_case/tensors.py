"""A folder of named tensors: tensors.json (names, dtypes, shapes, offsets) and tensors.bin (little-endian, C order)."""

import json
import os

import numpy as np


def write(folder, batches, noise=None, random=(), logits=(), logits_noise=None):
    """Write the batches, each ``[(name, array), …]``. Text tensors go into the JSON as lists.

    ``noise``: name → how far rounding moves an output; ``random``: the names of those that differ from themselves.
    ``logits``: for each batch, output name → its Logits; ``logits_noise`` is the noise of those.
    """
    os.makedirs(folder, exist_ok=True)
    noise, logits_noise = noise or {}, logits_noise or {}
    listed = [(batch, name, array, "") for batch, named in enumerate(batches) for name, array in named]
    listed += [
        (batch, name, each.values, each.activation)
        for batch, named in enumerate(logits)
        for name, each in named.items()
    ]
    rows, offset = [], 0
    with open(os.path.join(folder, "tensors.bin"), "wb") as file:
        for batch, name, array, activation in listed:
            array = np.asarray(array)
            row = {"name": name, "shape": list(array.shape), "batch": batch}
            far = (logits_noise if activation else noise).get(name)
            if far is not None:
                row["noise"] = far
            if activation:
                row["logits"] = activation
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
    """What ``write`` wrote, ``(batches, noise, random)``, without the logits."""
    with open(os.path.join(folder, "tensors.json"), encoding="utf-8") as file:
        rows = [row for row in json.load(file)["tensors"] if not row.get("logits")]
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


def logits_noise(folder):
    """The outputs of which a folder has logits, with the noise of those (None: not known)."""
    with open(os.path.join(folder, "tensors.json"), encoding="utf-8") as file:
        rows = json.load(file)["tensors"]
    return {row["name"]: row.get("noise") for row in rows if row.get("logits")}


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
