"""Outcomes kept between runs, under everything that can change them. Faults of the machinery are never kept."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat import parity
from tfjs_compat.diagnosis import Outcome
from tfjs_compat.errors import MachineryError
from tfjs_compat.locks import Lock
from tfjs_compat.outcomes import Stage
from tfjs_compat.plan import Planned
from tfjs_compat.store import Store, digest_files, disk_errors, remove_tree, write_whole

_HERE = Path(__file__).parent
_KEY_FILE = "key"


class Conditions(msgspec.Struct, frozen=True):
    """What of a run, beside the case itself, can change an outcome."""

    until: Stage
    tfjs_runtime: str
    options: Mapping[str, Any]
    inputs: str | None


def conditions(until: Stage, runtime: str, options: Mapping[str, Any], inputs: Path | None) -> Conditions:
    """``runtime``: what runs TensorFlow.js; of the file of inputs the content counts."""
    given = digest_files([(inputs.name, inputs)]) if inputs is not None else None
    return Conditions(until, runtime, dict(options), given)


def key_of(planned: Planned, lock: Lock, tfjs: str, given: Conditions) -> str:
    """A name for everything that decides the outcome of a case."""
    case = planned.case
    told = [
        lock.id,
        planned.python.tag,
        [case.model.digest, case.model.kind, case.model.module, case.model.function],
        case.route,
        sorted(planned.variables.items()),
        tfjs,
        given,
        [parity.ABSOLUTE, parity.RELATIVE],
        worker_version(),
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]


@functools.cache
def worker_version() -> str:
    """A digest of the code that makes an outcome: the programs inside and what reads their results."""
    return digest_files((str(path.relative_to(_HERE)), path) for path in sorted(_deciding_files()))


def _deciding_files() -> Iterator[Path]:
    yield from (path for path in (_HERE / "inside").rglob("*") if path.suffix in (".py", ".js"))
    yield from (_HERE / "checks").glob("*.py")
    names = (
        "artifact",
        "jsonpath",
        "outcomes",
        "parity",
        "process",
        "routes",
        "server",
        "shards",
        "trial",
        "tensors",
        "webcheck",
    )
    yield from (_HERE / f"{name}.py" for name in names)


def kept_outcome(key: str, store: Store, folder: Path | None = None) -> Outcome | None:
    """The outcome kept under a key, or None. Puts the case's log, record, artifact and tensors into ``folder``."""
    kept = store.root / "outcomes" / key
    try:
        outcome = msgspec.json.decode((kept / "outcome.json").read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if folder is not None and _read(folder / _KEY_FILE) != key:
        remove_tree(folder)
        if not (kept / "case").is_dir():
            return None
        with disk_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Copies, not links: what a user does to an artifact must not change what is kept.
            shutil.copytree(kept / "case", folder, symlinks=True)
            write_whole(folder / _KEY_FILE, key)
    return outcome


def keep(key: str, outcome: Outcome, folder: Path, store: Store) -> None:
    """Keep an outcome and its case's folder, unless it is the machinery's or depends on a limit.

    Raises MachineryError on a full disk.
    """
    if outcome.machinery is not None or outcome.limited:
        return
    kept = store.folder("outcomes") / key
    with disk_errors(kept), tempfile.TemporaryDirectory(dir=kept.parent, prefix=".keeping-") as name:
        staged = Path(name) / "kept"
        shutil.copytree(folder, staged / "case", symlinks=True)
        (staged / "outcome.json").write_bytes(msgspec.json.encode(outcome))
        remove_tree(kept)
        # Where another run kept the same outcome at the same moment, that one stays.
        with contextlib.suppress(OSError):
            staged.rename(kept)
    try:
        write_whole(folder / _KEY_FILE, key)
    except MachineryError:
        remove_tree(kept)
        raise


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None
