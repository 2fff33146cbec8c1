"""Reads the weightsManifest of a model: which weights there are, where their bytes lie, and whether they are all there.

Names of files are not trusted (shards.py); whatever is wrong becomes a `Finding`. How TensorFlow.js takes the same
bytes apart is in tfjs-core ``io/io_utils.ts`` (``decodeWeights``) and ``io/weights_loader.ts``; sizes and dtypes here
are those.
"""

from __future__ import annotations

import math
import os
import stat
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from tfjs_compat.artifact.jsonpath import amount, show, wrong_type
from tfjs_compat.artifact.shards import (
    LENGTH_BYTES,
    MAX_BYTES,
    Shard,
    joined_bytes,
    read_span,
    regular_size,
    resolve_inside,
    why_refused,
)
from tfjs_compat.outcomes.failures import Finding

WIDTHS = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8}
"""Bytes of one value of the dtypes that ``decodeWeight`` takes apart; ``string`` has no fixed width."""

MAX_SHARDS = 10_000
"""Weight files that are looked up: 40 GB in the 4 MiB pieces that the converter makes."""

QUANTIZED_WIDTHS = {"uint8": 1, "uint16": 2, "float16": 2}


MAX_RANK = 64
"""Axes of a weight that are read. TensorFlow.js has tensors of six (tfjs-core ``types.ts``), NumPy of 64."""

MAX_STRINGS = 1 << 21
"""Values of all string weights that are looked at. TensorFlow.js 4.22 takes 600 bytes of memory for each."""

_LARGEST = sys.float_info.max
_WINDOW = 1 << 16


class Weight(msgspec.Struct, frozen=True):
    """One entry of the manifest.

    ``stored`` is the dtype of the bytes: ``dtype``, or that of the quantization. ``offset`` counts from the start of
    the group's joined shards; ``bytes`` is the stored length. Both are None where they cannot be known.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    stored: str
    group: int
    offset: int | None
    bytes: int | None
    path: str
    optimizer: bool = False

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


def read_manifest(
    folder: Path, document: dict[str, Any], findings: list[Finding]
) -> tuple[tuple[Weight, ...], tuple[tuple[Shard, ...], ...], bool]:
    """The weights, the shards of each group, and whether nothing had to be left out."""
    manifest = document.get("weightsManifest")
    root = "$.weightsManifest"
    if manifest is None:
        message = "there is no weightsManifest: a layers model would keep its random initial weights"
        findings.append(Finding("artifact-no-manifest", root, message, "warning"))
        return (), (), True
    if not isinstance(manifest, list):
        findings.append(wrong_type(root, "a list of groups", manifest))
        return (), (), False
    weights: list[Weight] = []
    groups: list[tuple[Shard, ...]] = []
    used: dict[str, str] = {}
    complete = True
    named = strings = 0
    for index, entry in enumerate(manifest):
        path = f"{root}[{index}]"
        if not isinstance(entry, dict):
            findings.append(wrong_type(path, "an object", entry))
            complete = False
            groups.append(())
            continue
        named += len(entry["paths"]) if isinstance(entry.get("paths"), list) else 0
        if named > MAX_SHARDS:
            message = f"weightsManifest names more than {MAX_SHARDS} weight files; the last were not looked up"
            findings.append(Finding("artifact-too-many-shards", f"{path}.paths", message))
            complete = False
            break
        before = len(findings)
        shards = _read_paths(folder, entry.get("paths"), f"{path}.paths", used, findings)
        whole = len(findings) == before
        groups.append(shards)
        read, readable = _read_weights(folder, entry.get("weights"), index, path, shards, strings, findings)
        weights.extend(read)
        strings += sum(weight.size for weight in read if weight.stored == "string")
        complete = complete and readable
        if whole and readable:
            _check_bytes(read, shards, path, index == len(manifest) - 1, findings)
    if (held := sum(map(joined_bytes, groups))) > MAX_BYTES:
        # TensorFlow.js reads every file as often as it is named, and holds all of them at once.
        message = f"the weight files, as often as they are named, hold {held} bytes: more than {MAX_BYTES}"
        findings.append(Finding("artifact-weights-too-large", root, message))
    artifact_weights = tuple(weights)
    _check_duplicates(folder, artifact_weights, groups, findings)
    return artifact_weights, tuple(groups), complete


def _read_paths(
    folder: Path, paths: object, path: str, used: dict[str, str], findings: list[Finding]
) -> tuple[Shard, ...]:
    if not isinstance(paths, list):
        findings.append(wrong_type(path, "a list of file names", paths))
        return ()
    shards: list[Shard] = []
    start, root = 0, os.path.realpath(folder)
    for index, name in enumerate(paths):
        at = f"{path}[{index}]"
        if not isinstance(name, str):
            findings.append(wrong_type(at, "a file name", name))
            continue
        located = _locate(folder, root, name, at)
        if isinstance(located, Finding):
            findings.append(located)
            continue
        target, size = located
        if target in used:
            message = f"{show(name)} is also named at {used[target]}"
            findings.append(Finding("artifact-shard-shared", at, message, "warning"))
        used.setdefault(target, at)
        shards.append(Shard(name, size, start))
        start += size
    return tuple(shards)


def _locate(folder: Path, root: str, name: str, at: str) -> tuple[str, int] | Finding:
    """The real path and length of a weight file, or why it is not one. ``root`` is the folder's real path."""
    why = why_refused(name)
    if why is not None:
        return Finding("artifact-path-outside", at, f"{show(name)} {why}; it was not opened")
    size = regular_size(root, name)
    if size is not None:
        return f"{root}/{name}", size
    target = resolve_inside(folder, name)
    if target is None:
        if os.path.lexists(folder / name) and (folder / name).exists():
            message = f"{show(name)} leads out of the model's folder through a symbolic link; it was not opened"
            return Finding("artifact-path-outside", at, message)
        return Finding("artifact-shard-missing", at, f"there is no file {show(name)}")
    try:
        status = target.stat()
    except OSError as error:
        return Finding("artifact-shard-missing", at, f"{show(name)} cannot be read: {error.strerror}")
    if not stat.S_ISREG(status.st_mode):
        return Finding("artifact-shard-not-a-file", at, f"{show(name)} is no regular file")
    return str(target), status.st_size


def _read_weights(
    folder: Path,
    entries: object,
    group: int,
    path: str,
    shards: tuple[Shard, ...],
    strings: int,
    findings: list[Finding],
) -> tuple[list[Weight], bool]:
    """The weights of one group; offsets are None behind the first whose length is unknown.

    ``strings``: how many values the string weights of the groups before it have.
    """
    if not isinstance(entries, list):
        findings.append(wrong_type(f"{path}.weights", "a list of weights", entries))
        return [], False
    weights: list[Weight] = []
    readable = True
    offset: int | None = 0
    for index, entry in enumerate(entries):
        at = f"{path}.weights[{index}]"
        weight = _read_weight(entry, group, offset, at, findings)
        if weight is None:
            readable, offset = False, None
            continue
        if weight.stored == "string" and offset is not None:
            strings += weight.size
            if strings > MAX_STRINGS:
                message = f"the string weights have more than {MAX_STRINGS} values; the last were not looked at"
                findings.append(Finding("artifact-too-many-strings", at, message))
                readable = False
                break
            weight = msgspec.structs.replace(weight, bytes=_string_bytes(folder, shards, weight))
        weights.append(weight)
        offset = None if offset is None or weight.bytes is None else offset + weight.bytes
    return weights, readable


def _read_weight(entry: object, group: int, offset: int | None, path: str, findings: list[Finding]) -> Weight | None:
    if not isinstance(entry, dict):
        findings.append(wrong_type(path, "an object", entry))
        return None
    name, dtype, shape = entry.get("name"), entry.get("dtype"), _sizes(entry.get("shape"))
    if not isinstance(name, str):
        findings.append(wrong_type(f"{path}.name", "a string", name))
    if not isinstance(dtype, str):
        findings.append(wrong_type(f"{path}.dtype", "a string", dtype))
    if shape is None:
        message = f"expected a list of sizes, found {show(entry.get('shape'))}"
        findings.append(Finding("artifact-weight-shape", f"{path}.shape", message))
    if not isinstance(name, str) or not isinstance(dtype, str) or shape is None:
        return None
    stored = dtype
    if "quantization" in entry:
        quantized = _quantized_dtype(entry["quantization"], dtype, f"{path}.quantization", findings)
        if quantized is None:
            return None
        stored = quantized
    elif dtype != "string" and dtype not in WIDTHS:
        message = f"{show(dtype)}: TensorFlow.js decodes {', '.join(WIDTHS)} and string"
        findings.append(Finding("artifact-weight-dtype", f"{path}.dtype", message))
        return None
    width = QUANTIZED_WIDTHS.get(stored) or WIDTHS.get(stored)
    length = None if width is None else width * math.prod(shape)
    return Weight(name, dtype, shape, stored, group, offset, length, path, entry.get("group") == "optimizer")


def _sizes(shape: object) -> tuple[int, ...] | None:
    """A shape, or None. 3.0 counts as 3, as it does in JavaScript, for which 10**400 is infinite."""
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        return None
    sizes: list[int] = []
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int | float) or not 0 <= size <= sys.float_info.max:
            return None
        if int(size) != size:
            return None
        sizes.append(int(size))
    return tuple(sizes)


def _quantized_dtype(value: object, dtype: str, path: str, findings: list[Finding]) -> str | None:
    def fail(message: str) -> str | None:
        findings.append(Finding("artifact-quantization", path, message))
        return None

    if not isinstance(value, dict):
        return fail(f"expected an object, found {show(value)}")
    stored = value.get("dtype")
    if not isinstance(stored, str) or stored not in QUANTIZED_WIDTHS:
        return fail(f"dtype {show(stored)}: TensorFlow.js undoes {', '.join(QUANTIZED_WIDTHS)}")
    if stored == "float16" and dtype != "float32":
        return fail(f"float16 stands for float32 only, not for {show(dtype)}")
    if stored != "float16":
        if dtype not in ("float32", "int32"):
            return fail(f"{stored} stands for float32 or int32 only, not for {show(dtype)}")
        if "min" not in value or "scale" not in value:
            return fail(f"{stored} without `min` and `scale`")
        for key in ("min", "scale"):
            number = value[key]
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= _LARGEST:
                return fail(f"`{key}` is {show(number)}, which is no number")
    return stored


def _check_bytes(
    weights: list[Weight], shards: tuple[Shard, ...], path: str, last: bool, findings: list[Finding]
) -> None:
    held = joined_bytes(shards)
    unknown = next((weight for weight in weights if weight.bytes is None or weight.offset is None), None)
    names = ", ".join(shard.name for shard in shards[:3]) or "no files"
    if unknown is not None:
        message = f"the string weight {show(unknown.name)} does not end within {show(names)} ({held} bytes)"
        findings.append(Finding("artifact-shard-short", f"{path}.paths", message))
        return
    needed = sum(weight.bytes or 0 for weight in weights)
    if held < needed:
        message = f"{show(names)} hold {held} bytes, the {len(weights)} weights need {amount(needed)}"
        findings.append(Finding("artifact-shard-short", f"{path}.paths", message))
    elif held > needed:
        # TensorFlow.js joins the shards of all groups: what is too much in one group shifts the weights of the next.
        message = f"{show(names)} hold {held} bytes, the {len(weights)} weights need {needed}"
        findings.append(Finding("artifact-shard-long", f"{path}.paths", message, "warning" if last else "error"))


def _check_duplicates(
    folder: Path, weights: tuple[Weight, ...], groups: list[tuple[Shard, ...]], findings: list[Finding]
) -> None:
    first: dict[str, Weight] = {}
    for weight in weights:
        other = first.setdefault(weight.name, weight)
        if other is weight:
            continue
        same = (other.shape, other.dtype, other.stored, other.bytes) == (
            weight.shape,
            weight.dtype,
            weight.stored,
            weight.bytes,
        )
        if same and weight.bytes is not None and other.offset is not None and weight.offset is not None:
            earlier = read_span(folder, groups[other.group], other.offset, weight.bytes)
            later = read_span(folder, groups[weight.group], weight.offset, weight.bytes)
            same = earlier is not None and earlier == later
        message = f"{show(weight.name)} is also the name of {other.path}" + (", with the same values" if same else "")
        severity: Literal["error", "warning"] = "warning" if same else "error"
        findings.append(Finding("artifact-duplicate-weight", f"{weight.path}.name", message, severity))


def _string_bytes(folder: Path, shards: tuple[Shard, ...], weight: Weight) -> int | None:
    """Stored length of a string weight: each value is four bytes of length and its text.

    None if it does not end within the files.
    """
    held, start = joined_bytes(shards), weight.offset or 0
    if weight.size * LENGTH_BYTES > held - start:
        return None
    at = base = start
    window = b""
    for _ in range(weight.size):
        if at - base + LENGTH_BYTES > len(window):
            base, window = at, read_span(folder, shards, at, min(_WINDOW, held - at)) or b""
        prefix = window[at - base : at - base + LENGTH_BYTES]
        at += LENGTH_BYTES + int.from_bytes(prefix, "little")
        if len(prefix) < LENGTH_BYTES or at > held:
            return None
    return at - start
