"""Outcomes kept between runs, under everything that can change them. Faults of the machinery are never kept."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tfjs_compat.engine.plan import Planned
from tfjs_compat.errors import MachineryError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes import parity
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.files import digest_files, disk_errors, remove_tree, write_whole
from tfjs_compat.system.store import Store

_HERE = Path(__file__).parents[1]
_KEY_FILE = "key"


class RunConditions(msgspec.Struct, frozen=True):
    """What of a run, beside the case itself, can change an outcome."""

    until: Stage
    tfjs_runtime: str
    inputs: str | None


def conditions(until: Stage, runtime: str, inputs: Path | None) -> RunConditions:
    """``runtime``: what runs TensorFlow.js; of the file of inputs the content counts."""
    given = digest_files([(inputs.name, inputs)]) if inputs is not None else None
    return RunConditions(until, runtime, given)


class CacheKey(msgspec.Struct, frozen=True):
    """Everything that decides the outcome of a case: two that are equal have one answer."""

    lock: str
    python: str
    model: tuple[str, str, str, str]
    route: str
    variables: list[tuple[str, str]]
    tfjs: str
    given: RunConditions
    tolerance: list[float]
    worker: str

    @property
    def key(self) -> str:
        """A name for it."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


def cache_key(planned: Planned, lock: Lock, tfjs: str, given: RunConditions) -> CacheKey:
    """What a case asks; ``tfjs`` is the TensorFlow.js release that loads its result."""
    case = planned.case
    return CacheKey(
        lock.id,
        planned.python.tag,
        (case.model.digest, str(case.model.kind), case.model.module, case.model.function),
        case.route.name,
        sorted(planned.variables.items()),
        tfjs,
        given,
        [parity.ABSOLUTE, parity.RELATIVE],
        worker_version(),
    )


def key_of(planned: Planned, lock: Lock, tfjs: str, given: RunConditions) -> str:
    """The name of what a case asks."""
    return cache_key(planned, lock, tfjs, given).key


@functools.cache
def worker_version() -> str:
    """A digest of the code that makes an outcome: the programs inside and what reads their results."""
    return digest_files((str(path.relative_to(_HERE)), path) for path in sorted(_deciding_files()))


def _deciding_files() -> Iterator[Path]:
    yield from (path for path in (_HERE / "inside").rglob("*") if path.suffix in (".py", ".js"))
    for room in ("system", "outcomes", "matrix", "artifact", "checks", "repairs", "trials"):
        yield from (path for path in (_HERE / room).rglob("*") if path.suffix in (".py", ".toml"))


def kept_outcome(key: str, store: Store, folder: Path | None = None) -> Outcome | None:
    """The outcome kept under a key, or None. Puts the case's log, record, artifact and tensors into ``folder``."""
    kept = store.root / "outcomes" / key
    try:
        outcome = msgspec.json.decode((kept / "outcome.json").read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    with contextlib.suppress(OSError):
        # Garbage is what nobody asked for; a store may be read-only.
        os.utime(kept)
    if folder is not None and _read(folder / _KEY_FILE) != key:
        remove_tree(folder)
        if not (kept / "case").is_dir():
            return None
        with disk_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Copies, not links: what a user does to an artifact must not change what is kept.
            shutil.copytree(kept / "case", folder, symlinks=True)
            write_whole(folder / _KEY_FILE, key, lasting=False)
    return outcome


def keep(key: str, outcome: Outcome, folder: Path, store: Store) -> bool:
    """Keep an outcome and its case's folder, unless it is the machinery's or depends on a limit; whether it was kept.

    Raises MachineryError on a full disk.
    """
    if outcome.machinery is not None or outcome.limited:
        return False
    kept = store.folder("outcomes") / key
    staged = kept.with_name(f".keeping-{key}-{secrets.token_hex(4)}")
    with disk_errors(kept):
        try:
            shutil.copytree(folder, staged / "case", symlinks=True)
            (staged / "outcome.json").write_bytes(msgspec.json.encode(outcome))
            remove_tree(kept)
            # Where another run kept the same outcome at the same moment, that one stays.
            staged.rename(kept)
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            if not kept.is_dir():
                raise error
    try:
        write_whole(folder / _KEY_FILE, key, lasting=False)
    except MachineryError:
        remove_tree(kept)
        raise
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def record_key(case_id: str, question: CacheKey, store: Store) -> None:
    """Note what a case asked when its outcome was kept, so that ``why_not_kept`` can tell what has changed since.

    Raises MachineryError on a full disk.
    """
    write_whole(store.folder("asked") / f"{case_id}.json", msgspec.json.encode(question), lasting=False)


def why_not_kept(case_id: str, question: CacheKey, store: Store) -> str | None:
    """Why a case will run although it may have run before; None where its outcome is kept."""
    if kept_outcome(question.key, store) is not None:
        return None
    try:
        before = msgspec.json.decode((store.root / "asked" / f"{case_id}.json").read_bytes(), type=CacheKey)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return "it was never run to an end that can be kept"
    changed = [said for field, said in _CHANGES.items() if getattr(before, field) != getattr(question, field)]
    if before.given != question.given:
        changed += [
            said for field, said in _GIVEN.items() if getattr(before.given, field) != getattr(question.given, field)
        ]
    return "; ".join(changed) + " since it was run" if changed else "its outcome is gone from the store, or damaged"


_CHANGES = {
    "lock": "the packages changed",
    "python": "the Python changed",
    "model": "the model changed",
    "route": "the route changed",
    "variables": "the process variables changed",
    "tfjs": "the TensorFlow.js release changed",
    "tolerance": "the tolerance changed",
    "worker": "tfjs-compat changed",
}
_GIVEN = {
    "until": "the last stage changed",
    "tfjs_runtime": "what runs TensorFlow.js changed",
    "inputs": "the inputs changed",
}
