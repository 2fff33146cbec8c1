"""Reads the folder of a converted model (model.json and its weight shards) into a value, safely.

The folder is not trusted: it may be truncated, hold anything in any place, or name files outside itself. Whatever is
wrong becomes a `Finding`; nothing but the memory of this machine makes `read` raise, and nothing outside the folder is
opened. Bytes of weights are read later, when somebody asks for them.

How TensorFlow.js takes the same files apart is in tfjs-core ``io/io_utils.ts`` (``decodeWeights``) and
``io/weights_loader.ts``; sizes and dtypes here are those.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from tfjs_compat.jsonpath import show, wrong_type
from tfjs_compat.outcomes import Finding
from tfjs_compat.shards import LENGTH_BYTES, Shard, escapes, inside, lengths, open_regular, read_span

Format: TypeAlias = Literal["layers", "graph"]

FINDINGS: dict[str, str] = {
    "artifact-missing": "there is no model.json",
    "artifact-empty": "model.json holds no bytes",
    "artifact-not-json": "model.json is no JSON: cut off, or something else",
    "artifact-too-deep": "model.json is nested deeper than any model",
    "artifact-too-large": "model.json is larger than a program can parse",
    "artifact-not-utf8": "model.json holds bytes that are no UTF-8 text",
    "artifact-wrong-type": "a place in model.json holds another type than the format has there",
    "artifact-no-topology": "modelTopology is missing or null",
    "artifact-topology-unknown": "modelTopology is neither a layers model nor a graph",
    "artifact-format-mismatch": "the format field promises another kind of model than modelTopology holds",
    "artifact-format-unknown": "the format field holds a word that no loader knows",
    "artifact-no-manifest": "weightsManifest is missing: the model has no weights",
    "artifact-path-outside": "weightsManifest names a file outside the model's folder; it was not opened",
    "artifact-shard-missing": "a weight file that weightsManifest names is missing",
    "artifact-shard-not-a-file": "a path in weightsManifest leads to something that is no regular file",
    "artifact-shard-short": "the weight files hold fewer bytes than the weights need",
    "artifact-shard-long": "the weight files hold more bytes than the weights need",
    "artifact-shard-shared": "two entries of weightsManifest name one weight file",
    "artifact-duplicate-weight": "two weights have one name: TensorFlow.js keeps the last",
    "artifact-weight-dtype": "a weight has a dtype that TensorFlow.js cannot decode",
    "artifact-weight-shape": "a weight's shape is no list of sizes",
    "artifact-quantization": "a weight's quantization cannot be undone",
}
"""What `read` can find: id and meaning."""

MAX_JSON_BYTES = 1 << 30
MAX_DEPTH = 500
"""Levels of nesting that are read. A model nested in a model adds four, so that real ones stay far below."""

WIDTHS = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8}
"""Bytes of one value of the dtypes that ``decodeWeight`` takes apart; ``string`` has no fixed width."""

QUANTIZED_WIDTHS = {"uint8": 1, "uint16": 2, "float16": 2}


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


class Artifact(msgspec.Struct, frozen=True):
    """A model folder as it was read. ``shards`` has one tuple for each group of the manifest.

    ``document`` is the whole of model.json and ``topology`` its modelTopology; treat both as read-only.
    """

    folder: str
    format: Format
    document: dict[str, Any]
    topology: dict[str, Any]
    weights: tuple[Weight, ...] = ()
    shards: tuple[tuple[Shard, ...], ...] = ()
    complete: bool = True
    """Whether every entry of the manifest could be read: False means that `weights` lacks some."""

    def data(self, weight: Weight) -> bytes | None:
        """The stored bytes of a weight; None if the folder does not hold them (any more)."""
        if weight.offset is None or weight.bytes is None:
            return None
        return read_span(Path(self.folder), self.shards[weight.group], weight.offset, weight.bytes)


class Reading(msgspec.Struct, frozen=True):
    """What came of reading a folder. ``artifact`` is None if there is too little to look at."""

    artifact: Artifact | None
    findings: tuple[Finding, ...]


def read(folder: Path) -> Reading:
    """Reads ``folder/model.json`` and looks at the weight files it names, without reading their bytes.

    String weights are the exception: where one ends stands only in its bytes.
    """
    findings: list[Finding] = []
    document = _read_document(folder, findings)
    if document is None:
        return Reading(None, tuple(findings))
    topology = document.get("modelTopology")
    if topology is None:
        findings.append(Finding("artifact-no-topology", "$.modelTopology", f"modelTopology is {_kind_or(document)}"))
        found: Format | None = None
    elif not isinstance(topology, dict):
        findings.append(wrong_type("$.modelTopology", "an object", topology))
        found = None
    else:
        found = topology_format(topology)
        if found is None:
            message = "modelTopology has neither `class_name`/`model_config` (layers model) nor `node` (graph model)"
            findings.append(Finding("artifact-topology-unknown", "$.modelTopology", message))
    declared = _declared_format(document, found, findings)
    weights, shards, complete = _read_manifest(folder, document, findings)
    if found is None or not isinstance(topology, dict):
        return Reading(None, tuple(findings))
    artifact = Artifact(str(folder), declared or found, document, topology, weights, shards, complete)
    return Reading(artifact, tuple(findings))


# ---------------------------------------------------------------------------------------------------- model.json


def _kind_or(document: dict[str, Any]) -> str:
    return "null" if "modelTopology" in document else "missing"


def _read_document(folder: Path, findings: list[Finding]) -> dict[str, Any] | None:
    """The parsed model.json, or None with the finding that says why not."""

    def fail(id: str, message: str) -> dict[str, Any] | None:
        findings.append(Finding(id, "$", message))
        return None

    target = inside(folder, "model.json")
    if target is None:
        if (folder / "model.json").is_symlink():
            return fail("artifact-path-outside", "model.json is a symbolic link that leads out of its folder")
        return fail("artifact-missing", "there is no model.json in the folder")
    opened = open_regular(target)
    if opened is None:
        return fail("artifact-missing", "model.json is no regular file that can be read")
    with os.fdopen(opened, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_JSON_BYTES:
            return fail("artifact-too-large", f"model.json holds {size} bytes; more than {MAX_JSON_BYTES} are not read")
        try:
            raw = file.read(MAX_JSON_BYTES + 1)
        except OSError as error:
            return fail("artifact-missing", f"model.json cannot be read: {error.strerror}")
    if not raw.strip():
        return fail("artifact-empty", f"model.json holds {len(raw)} bytes and no JSON")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # TextDecoder, which fetch().json() and Node use, puts U+FFFD in their place and goes on.
        text = raw.decode("utf-8-sig", errors="replace")
        message = f"byte {error.start} of model.json starts no UTF-8 character: names may be damaged"
        findings.append(Finding("artifact-not-utf8", "$", message, "warning"))
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        return fail("artifact-too-deep", f"model.json is nested deeper than {MAX_DEPTH} levels")
    except json.JSONDecodeError as error:
        cut = " (the file seems to be cut off)" if error.pos >= len(text.rstrip()) - 1 else ""
        where = f"line {error.lineno}, column {error.colno}"
        return fail("artifact-not-json", f"model.json is no JSON: {error.msg} at {where}{cut}")
    except ValueError as error:
        return fail("artifact-not-json", f"model.json is no JSON: {show(str(error))}")
    if _deeper_than(document, MAX_DEPTH):
        return fail("artifact-too-deep", f"model.json is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(document, dict):
        findings.append(wrong_type("$", "an object", document))
        return None
    return document


def _refuse_constant(name: str) -> object:
    """NaN and Infinity: Python writes and reads them, JSON.parse refuses them."""
    raise ValueError(f"{name} is no JSON value")


def _deeper_than(value: object, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(v for v in item.values() if isinstance(v, dict | list))
            elif isinstance(item, list):
                inner.extend(v for v in item if isinstance(v, dict | list))
        if not inner:
            return False
        level = inner
    return True


def topology_format(topology: dict[str, Any]) -> Format | None:
    """What kind of model a modelTopology holds, by the keys that its loader reads first; None if neither."""
    if topology.get("model_config") is not None:
        return "layers"
    if topology.get("class_name") is not None or topology.get("className") is not None:
        return "layers"
    return "graph" if "node" in topology else None


def _declared_format(document: dict[str, Any], found: Format | None, findings: list[Finding]) -> Format | None:
    """What the format field promises. Old converters wrote none; TensorFlow.js itself does not read it."""
    declared = document.get("format")
    if declared is None:
        return None
    if not isinstance(declared, str):
        findings.append(wrong_type("$.format", "a string", declared))
        return None
    formats: dict[str, Format] = {"layers-model": "layers", "graph-model": "graph"}
    promised = formats.get(declared)
    if promised is None:
        message = f"format is {show(declared)}; known are {' and '.join(formats)}"
        findings.append(Finding("artifact-format-unknown", "$.format", message, "warning"))
    elif found is not None and promised != found:
        message = (
            f"format says {declared}, but modelTopology holds a {found} model: the loader for one fails on the other"
        )
        findings.append(Finding("artifact-format-mismatch", "$.format", message))
    return promised


# ------------------------------------------------------------------------------------------------------- manifest


def _read_manifest(
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
    for index, entry in enumerate(manifest):
        path = f"{root}[{index}]"
        if not isinstance(entry, dict):
            findings.append(wrong_type(path, "an object", entry))
            complete = False
            groups.append(())
            continue
        before = len(findings)
        shards = _read_paths(folder, entry.get("paths"), f"{path}.paths", used, findings)
        whole = len(findings) == before
        groups.append(shards)
        read, readable = _read_weights(folder, entry.get("weights"), index, path, shards, findings)
        weights.extend(read)
        complete = complete and readable
        if whole and readable:
            _check_bytes(read, shards, path, index == len(manifest) - 1, findings)
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
    for index, name in enumerate(paths):
        at = f"{path}[{index}]"
        if not isinstance(name, str):
            findings.append(wrong_type(at, "a file name", name))
            continue
        why = escapes(name)
        if why is not None:
            findings.append(Finding("artifact-path-outside", at, f"{show(name)} {why}; it was not opened"))
            continue
        target = inside(folder, name)
        if target is None:
            if os.path.lexists(folder / name) and (folder / name).exists():
                message = f"{show(name)} leads out of the model's folder through a symbolic link; it was not opened"
                findings.append(Finding("artifact-path-outside", at, message))
            else:
                findings.append(Finding("artifact-shard-missing", at, f"there is no file {show(name)}"))
            continue
        try:
            status = target.stat()
        except OSError as error:
            findings.append(Finding("artifact-shard-missing", at, f"{show(name)} cannot be read: {error.strerror}"))
            continue
        if not stat.S_ISREG(status.st_mode):
            findings.append(Finding("artifact-shard-not-a-file", at, f"{show(name)} is no regular file"))
            continue
        if str(target) in used:
            message = f"{show(name)} is also named at {used[str(target)]}"
            findings.append(Finding("artifact-shard-shared", at, message, "warning"))
        used.setdefault(str(target), at)
        shards.append(Shard(name, status.st_size))
    return tuple(shards)


def _read_weights(
    folder: Path, entries: object, group: int, path: str, shards: tuple[Shard, ...], findings: list[Finding]
) -> tuple[list[Weight], bool]:
    """The weights of one group; offsets are None behind the first whose length is unknown."""
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
    """A shape, or None. 3.0 counts as 3, as it does in JavaScript."""
    if not isinstance(shape, list):
        return None
    sizes: list[int] = []
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int | float) or not math.isfinite(size):
            return None
        if size < 0 or int(size) != size:
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
    return stored


def _check_bytes(
    weights: list[Weight], shards: tuple[Shard, ...], path: str, last: bool, findings: list[Finding]
) -> None:
    held = sum(shard.bytes for shard in shards)
    unknown = next((weight for weight in weights if weight.bytes is None or weight.offset is None), None)
    names = ", ".join(shard.name for shard in shards) or "no files"
    if unknown is not None:
        message = f"the string weight {show(unknown.name)} does not end within {show(names)} ({held} bytes)"
        findings.append(Finding("artifact-shard-short", f"{path}.paths", message))
        return
    needed = sum(weight.bytes or 0 for weight in weights)
    if held < needed:
        message = f"{show(names)} hold {held} bytes, the {len(weights)} weights need {_amount(needed)}"
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
            one = read_span(folder, groups[other.group], other.offset, weight.bytes)
            two = read_span(folder, groups[weight.group], weight.offset, weight.bytes)
            same = one is not None and one == two
        message = f"{show(weight.name)} is also the name of {other.path}" + (", with the same values" if same else "")
        severity: Literal["error", "warning"] = "warning" if same else "error"
        findings.append(Finding("artifact-duplicate-weight", f"{weight.path}.name", message, severity))


def _string_bytes(folder: Path, shards: tuple[Shard, ...], weight: Weight) -> int | None:
    """Stored length of a string weight: each value is four bytes of length and its text. None if it does not end."""
    held = sum(shard.bytes for shard in shards)
    start = at = weight.offset or 0
    if weight.size * LENGTH_BYTES > held - start:
        return None
    data = read_span(folder, shards, start, held - start)
    if data is None:
        return None
    for length in lengths(data, weight.size):
        if length is None:
            return None
        at += LENGTH_BYTES + length
    return at - start


def _amount(number: int) -> str:
    """A number for people; Python refuses to print those of thousands of digits, which a shape can ask for."""
    return str(number) if number < 10**18 else "more than 10^18"
