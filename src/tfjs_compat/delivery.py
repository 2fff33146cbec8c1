"""Hand over a finished TensorFlow.js model: a folder that is there whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import filelock

from tfjs_compat.errors import RequestError
from tfjs_compat.store import Store, disk_errors, remove_tree

ACCOUNT = "CONVERSION.json"
_OF_A_MODEL = (".bin", ".json")


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
    inside = sorted(one.name for one in target.iterdir())
    if inside and not force:
        what = f"the folder is not empty ({inside[0]}, …)"
        raise RequestError(f"--output {target}: {what}; --force replaces a model in it")
    strange = [name for name in inside if Path(name).suffix not in _OF_A_MODEL or (target / name).is_dir()]
    if strange or (inside and "model.json" not in inside):
        told = strange[0] if strange else "no model.json"
        raise RequestError(f"--output {target}: not replaced: it holds something else than a model ({told})")


@contextlib.contextmanager
def claimed(target: Path, store: Store) -> Iterator[None]:
    """Hold a target, so that no other command writes there meanwhile. Raises RequestError where one does."""
    name = str(target.absolute()).encode().hex()[-160:]
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
    target = target.absolute()
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copytree(source, aside)
            for name, content in more.items():
                (aside / name).write_bytes(content)
            for path in aside.iterdir():
                _flush(path)
            if target.is_dir() and not any(target.iterdir()):
                target.rmdir()
            if target.exists():
                remove_tree(target)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
