"""Hand over a finished TensorFlow.js model: a folder that is there whole, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import filelock

from tfjs_compat.artifact.reading import read
from tfjs_compat.errors import RequestError
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.store import Store

ACCOUNT = "CONVERSION.json"
_SHARD = re.compile(r"group\d+-shard\d+of\d+(\.bin)?")
"""What converters call the weight files; others are a model's if its model.json names them."""


def check_target(target: Path, *, force: bool) -> None:
    """See that a model can be written to a folder. Raises RequestError.

    With ``force`` a folder may hold another TensorFlow.js model, which is replaced; never anything else.
    """
    if not os.path.lexists(target):
        parent = next(one for one in target.absolute().parents if one.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise RequestError(f"--output {target}: {parent} cannot be written to")
        return
    if not target.is_dir():
        raise RequestError(f"--output {target}: it is there already, and no folder")
    if not os.access(target, os.W_OK):
        raise RequestError(f"--output {target}: it cannot be written to")
    inside = sorted(one.name for one in target.iterdir())
    if inside and not force:
        what = f"the folder is not empty ({inside[0]}, …)"
        raise RequestError(f"--output {target}: {what}; --force replaces a model in it")
    named = _files_of_a_model(target) if inside else frozenset()
    strange = [
        name
        for name in inside
        if not (name in named or _SHARD.fullmatch(name)) or not stat.S_ISREG((target / name).lstat().st_mode)
    ]
    if strange or (inside and "model.json" not in inside):
        told = strange[0] if strange else "no model.json"
        raise RequestError(f"--output {target}: not replaced: it holds something else than a model ({told})")


def _files_of_a_model(folder: Path) -> frozenset[str]:
    """The files that are certain to be a converted model's: a package.json beside it, or a model.json that is a
    schema, is somebody's work."""
    found = read(folder).artifact
    if found is None or not {"modelTopology", "weightsManifest"} & found.document.keys():
        return frozenset()
    return frozenset({"model.json", ACCOUNT, *(shard.name for group in found.shards for shard in group)})


@contextlib.contextmanager
def lock_target(target: Path, store: Store) -> Iterator[None]:
    """Hold a target, so that no other command writes there meanwhile. Raises RequestError where one does."""
    name = hashlib.sha256(os.fsencode(target.resolve())).hexdigest()
    lock = filelock.FileLock(store.folder("locked") / f"target-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RequestError(f"--output {target}: another command is writing to it") from None
    try:
        yield
    finally:
        lock.release()


def deliver(source: Path, target: Path, more: Mapping[str, bytes], *, force: bool) -> None:
    """Put the model in ``source``, and the files ``more``, where ``target`` is to be, in one step.

    Raises RequestError as ``check_target`` does, MachineryError where the disk fails; the target is then as it was.
    """
    check_target(target, force=force)
    # Where a link leads to: the link stays.
    target = target.resolve()
    beside = target.parent
    if target.is_dir() and (target == Path.cwd() or target.is_mount() or not os.access(beside, os.W_OK)):
        # It cannot be exchanged, or not without being pulled away under the shell that stands in it.
        beside = target
    mark = secrets.token_hex(4)
    aside, old = beside / f".{target.name}.{mark}", beside / f".{target.name}.{mark}.old"
    with disk_errors(target):
        beside.mkdir(parents=True, exist_ok=True)
        try:
            _copy(source, aside)
            for name, content in more.items():
                (aside / name).write_bytes(content)
            for path in aside.rglob("*"):
                _flush(path)
            if beside == target:
                _fill(target, aside)
            else:
                _exchange(target, aside, old)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """As shutil.copytree, which tells of a full disk in a list of texts, and goes on with the other files."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            _copy(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)


def _exchange(target: Path, new: Path, old: Path) -> None:
    """Put a folder in the place of another, or of none; the other stays until the new one is there."""
    there = target.exists()
    if there:
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if there:
            old.rename(target)
        raise


def _fill(target: Path, new: Path) -> None:
    """Move the files of a folder into one that stays. Without its model.json, which goes first and comes last, a folder
    holds no model: a reader sees the old one, none, or the new one."""
    was = sorted(one for one in target.iterdir() if one != new)
    for path in sorted(was, key=lambda one: one.name != "model.json"):
        path.unlink()
    for path in sorted(new.iterdir(), key=lambda one: one.name == "model.json"):
        path.rename(target / path.name)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
