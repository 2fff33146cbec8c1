"""The folder of an artifact, repaired into another folder: the weights stay what they are, and that is checked.

Nothing outside the source folder is read (`shards.open_inside`), nothing is held in memory but model.json and one block
of a weight file at a time, and the target is there whole or not at all.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tfjs_compat.artifact.manifest import Weight
from tfjs_compat.artifact.reading import Artifact, read
from tfjs_compat.artifact.shards import open_inside
from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.repairs.document import repair_document
from tfjs_compat.repairs.repair import Repaired, WeightKept
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.holes import copy_with_holes

_BLOCK = 1 << 20

_HARMLESS = frozenset({"artifact-duplicate-weight", "artifact-format-mismatch"})
"""Errors of `read` that leave every byte of every weight where it can be found."""


class DamagedArtifactError(RequestError):
    """An artifact that cannot be read, or that changed while it was; ``findings`` says where. No weight is certain."""

    def __init__(self, folder: Path, findings: tuple[Finding, ...]) -> None:
        first = findings[0]
        super().__init__(f"{folder}: {first.path}: {first.message}")
        self.findings = findings


def repair_folder(source: Path, target: Path, on_progress: Callable[[int, int], None] | None = None) -> Repaired:
    """Repair the artifact in ``source`` into the folder ``target``, which must not be there, or be empty.

    Where nothing is to be repaired the target is a copy. Every weight of the source is in the target, with the same
    shape, dtype, quantization and bytes; only names may differ. ``on_progress`` is called with the bytes copied and
    the bytes in all.

    Raises DamagedArtifactError for an artifact that cannot be read, RequestError for a target that is in use,
    MachineryError where the disk fails.
    """
    reading = read(source)
    broken = tuple(
        finding for finding in reading.findings if finding.severity == "error" and finding.id not in _HARMLESS
    )
    if reading.artifact is None or broken:
        raise DamagedArtifactError(source, broken or reading.findings)
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise RequestError(f"{target}: it exists and is not an empty folder")
    repaired = repair_document(reading.artifact.document)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with disk_errors(target):
        aside.mkdir(parents=True)
        try:
            if repaired.applied:
                _write(aside / "model.json", repaired.model_json)
            else:
                (aside / "model.json").write_bytes(b"".join(_blocks(source, "model.json")))
            weights = _copy_weights(reading.artifact, source, aside, on_progress)
            if target.exists():
                target.rmdir()
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Repaired(repaired.model_json, repaired.applied, weights)


def _write(path: Path, document: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=True, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())


def _copy_weights(
    artifact: Artifact, source: Path, target: Path, on_progress: Callable[[int, int], None] | None
) -> tuple[WeightKept, ...]:
    """Copies the shards and compares every weight of the copy, found by the new model.json, with the source's."""
    sizes = {shard.name: shard.bytes for group in artifact.shards for shard in group}
    done, whole = 0, sum(sizes.values())
    for name, size in sizes.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        with _opened(source, name) as file, copy.open("wb") as target_file:
            copy_with_holes(file, target_file, functools.partial(_say, on_progress, done, whole))
            if os.fstat(target_file.fileno()).st_size != size:
                raise _changed(source, name)
        done += size
    after = read(target).artifact
    if after is None:
        raise _changed(source, "model.json")
    kept = []
    for (old, was, old_sum), (new, now, new_sum) in zip(_stored(artifact), _stored(after), strict=True):
        if {**was, "name": None} != {**now, "name": None} or old.group != new.group or old_sum != new_sum:
            raise _changed(source, old.name)
        kept.append(WeightKept(new.name, old.name, new.shape, new.dtype, new.stored, new_sum))
    return tuple(kept)


def _changed(source: Path, name: str) -> DamagedArtifactError:
    message = f"{name} changed while it was read, or was not copied as it is"
    return DamagedArtifactError(source, (Finding("artifact-shard-missing", "$.weightsManifest", message),))


def _say(on_progress: Callable[[int, int], None] | None, done: int, whole: int, more: int) -> None:
    if on_progress is not None:
        on_progress(done + more, whole)


def _opened(folder: Path, name: str) -> BinaryIO:
    opened = open_inside(folder, name)
    if opened is None:
        raise _changed(folder, name)
    return os.fdopen(opened, "rb")


def _blocks(folder: Path, name: str) -> Iterator[bytes]:
    with _opened(folder, name) as file:
        while block := file.read(_BLOCK):
            yield block


def _stored(artifact: Artifact) -> Iterator[tuple[Weight, dict[str, Any], str]]:
    """Each weight with its entry in the manifest and the SHA-256 of its stored bytes, in the order of the manifest."""
    folder, weights = Path(artifact.folder), iter(artifact.weights)
    for group, shards in zip(artifact.document.get("weightsManifest") or [], artifact.shards, strict=True):
        stream = _Stream(block for shard in shards for block in _blocks(folder, shard.name))
        for entry in group["weights"]:
            weight = next(weights)
            yield weight, entry, stream.digest(weight.bytes or 0)


class _Stream:
    """Blocks of bytes, read once from start to end."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._left = b""

    def digest(self, length: int) -> str:
        """The SHA-256 of the next bytes."""
        whole = hashlib.sha256()
        while length > 0:
            self._left = self._left or next(self._blocks, b"")
            if not self._left:
                break
            taken, self._left = self._left[:length], self._left[length:]
            whole.update(taken)
            length -= len(taken)
        return whole.hexdigest()
