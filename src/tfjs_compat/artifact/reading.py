"""Reads the folder of a converted model (model.json and its weight shards) into a value, safely.

The folder is not trusted: it may be truncated, hold anything in any place, or name files outside itself. Whatever is
wrong becomes a `Finding`; nothing but the memory of this machine makes `read` raise, and nothing outside the folder is
opened. The weights and their files are manifest.py's; their bytes are read later, by `Artifact.data`.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.artifact.jsonpath import show, wrong_type
from tfjs_compat.artifact.manifest import Weight, read_manifest
from tfjs_compat.artifact.shards import Shard, open_regular, read_span, resolve_inside
from tfjs_compat.matrix.routes import Format
from tfjs_compat.outcomes.failures import Finding

FINDINGS: dict[str, str] = {
    "artifact-missing": "there is no model.json",
    "artifact-empty": "model.json holds no bytes",
    "artifact-not-json": "model.json is no JSON: cut off, or something else",
    "quantization-not-finite": "a quantized weight has a scale that is no number, so that model.json is no JSON",
    "artifact-too-deep": "model.json is nested deeper than any model",
    "artifact-too-large": "model.json is larger than is read of a model",
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
    "artifact-too-many-shards": "weightsManifest names more weight files than are read",
    "artifact-too-many-strings": "the string weights have more values than are read",
    "artifact-weights-too-large": "the weight files hold more than can be loaded",
    "artifact-shard-shared": "two entries of weightsManifest name one weight file",
    "artifact-duplicate-weight": "two weights have one name: TensorFlow.js keeps the last",
    "artifact-weight-dtype": "a weight has a dtype that TensorFlow.js cannot decode",
    "artifact-weight-shape": "a weight's shape is no list of sizes",
    "artifact-quantization": "a weight's quantization cannot be undone",
}
"""What `read` can find: id and meaning."""

MAX_JSON_BYTES = 64 << 20
"""The largest known has some 30 MB. Parsed, a text takes up to fifteen times its size of memory."""

MAX_DEPTH = 500
"""Levels of nesting that are read. A model nested in a model adds four, so that real ones stay far below."""


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


class ReadResult(msgspec.Struct, frozen=True):
    """What came of reading a folder. ``artifact`` is None if there is too little to look at."""

    artifact: Artifact | None
    findings: tuple[Finding, ...]


def read(folder: Path) -> ReadResult:
    """Reads ``folder/model.json`` and looks at the weight files it names, without reading their bytes.

    String weights are the exception: where one ends stands only in its bytes.
    """
    findings: list[Finding] = []
    document = _read_document(folder, findings)
    if document is None:
        return ReadResult(None, tuple(findings))
    return read_as(folder, document, findings)


def read_as(folder: Path, document: dict[str, Any], findings: list[Finding]) -> ReadResult:
    """As ``read``, with another model.json than the folder has. What is found is added to ``findings``."""
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
    weights, shards, complete = read_manifest(folder, document, findings)
    if found is None or not isinstance(topology, dict):
        return ReadResult(None, tuple(findings))
    artifact = Artifact(str(folder), declared or found, document, topology, weights, shards, complete)
    return ReadResult(artifact, tuple(findings))


def _kind_or(document: dict[str, Any]) -> str:
    return "null" if "modelTopology" in document else "missing"


def _read_document(folder: Path, findings: list[Finding]) -> dict[str, Any] | None:
    """The parsed model.json, or None with the finding that says why not."""

    def fail(id: str, message: str) -> dict[str, Any] | None:
        findings.append(Finding(id, "$", message))
        return None

    target = resolve_inside(folder, "model.json")
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
            raw = file.read(size)
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
        if (weight := _quantized_from_nonfinite(text)) is not None:
            message = f"the weight {show(weight)} holds values that are not finite, so that it cannot be quantized"
            return fail("quantization-not-finite", f"{message}: {show(str(error))}")
        return fail("artifact-not-json", f"model.json is no JSON: {show(str(error))}")
    if _deeper_than(document, MAX_DEPTH):
        return fail("artifact-too-deep", f"model.json is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(document, dict):
        findings.append(wrong_type("$", "an object", document))
        return None
    return document


def _quantized_from_nonfinite(text: str) -> str | None:
    """The name of the first weight whose quantization holds Infinity or NaN; None where none does."""
    document = json.loads(text, parse_int=lambda _: 0)
    manifest = document.get("weightsManifest") if isinstance(document, dict) else None
    for group in manifest if isinstance(manifest, list) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        for weight in weights if isinstance(weights, list) else ():
            quantized = weight.get("quantization") if isinstance(weight, dict) else None
            values = quantized.values() if isinstance(quantized, dict) else ()
            if any(isinstance(value, float) and not math.isfinite(value) for value in values):
                return str(weight.get("name"))
    return None


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
