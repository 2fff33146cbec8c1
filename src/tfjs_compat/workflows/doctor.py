"""What of this machine a run needs, and whether it is there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from tfjs_compat.environments import linking
from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.address import index_url, without_credentials
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.releases import fetch_releases
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.browser import find_browser
from tfjs_compat.trials.runtimes.node import find_node

# Environments share what is unpacked once: the next one takes what no other has, of which TensorFlow is the most.
_FIRST_BYTES, _NEXT_BYTES = 2.5e9, 2e9


class DoctorFinding(msgspec.Struct, frozen=True):
    """One thing looked at: ``bad`` stops a run, ``note`` does not."""

    what: str
    status: Literal["ok", "note", "bad"]
    says: str


def doctor(store: Store) -> list[DoctorFinding]:
    """Look at everything a run needs. Never raises: what fails is a finding."""
    looks: list[tuple[str, Callable[[Store], DoctorFinding]]] = [
        ("interpreters", _interpreters),
        ("uv", _uv),
        ("package index", _index),
        ("Node", _node),
        ("browser", _browser),
        ("store", _store),
        ("disk", _disk),
        ("file system", _file_system),
        ("memory", _memory),
    ]
    return [_safely(what, look, store) for what, look in looks]


def _safely(what: str, look: Callable[[Store], DoctorFinding], store: Store) -> DoctorFinding:
    try:
        return look(store)
    except (MachineryError, OSError) as error:
        return DoctorFinding(what, "note" if what == "browser" else "bad", str(error))


def _interpreters(store: Store) -> DoctorFinding:
    found = find_interpreters(store)
    told = ", ".join(one.version for one in found) or "none"
    if any(one.minor in ("3.9", "3.10", "3.11") for one in found):
        return DoctorFinding("interpreters", "ok", told)
    return DoctorFinding("interpreters", "note", f"{told}; TensorFlow 2.15 needs 3.9 to 3.11: `uv python install 3.11`")


def _uv(store: Store) -> DoctorFinding:
    said, _ = uv.call(["--version"], Context(store), seconds=60)
    return DoctorFinding("uv", "ok" if said.ok else "bad", said.text.strip())


def _index(store: Store) -> DoctorFinding:
    shown = without_credentials(index_url())
    releases = fetch_releases("tensorflowjs", store)
    dated = any(one.uploaded for one in releases)
    newest = releases[-1].version if releases else "none"
    told = f"{shown}: tensorflowjs {newest} is the newest of {len(releases)}"
    return DoctorFinding(
        "package index", "ok" if dated else "note", told if dated else f"{told}; no upload times: no --as-of"
    )


def _node(_store: Store) -> DoctorFinding:
    node = find_node()
    return DoctorFinding("Node", "ok", f"{node.version} ({node.origin})")


def _browser(_store: Store) -> DoctorFinding:
    return DoctorFinding("browser", "ok", f"{find_browser().name} (for --runtime browser)")


def _store(store: Store) -> DoctorFinding:
    if store.read_only:
        return DoctorFinding("store", "note", f"{store.root}: read-only; what it holds is used, nothing new is kept")
    folder = store.folder("scratch")
    with tempfile.NamedTemporaryFile(dir=folder):
        return DoctorFinding("store", "ok", str(store.root))


def _disk(store: Store) -> DoctorFinding:
    free = shutil.disk_usage(store.folder("scratch")).free
    first, more = f"{_FIRST_BYTES / 1e9:g} GB", f"{_NEXT_BYTES / 1e9:g} GB"
    says = f"{free / 1e9:.0f} GB free; the first environment takes about {first}, each other TensorFlow release {more}"
    if free <= _FIRST_BYTES:
        return DoctorFinding("disk", "bad", says)
    return DoctorFinding("disk", "ok" if free > _FIRST_BYTES + 3 * _NEXT_BYTES else "note", says)


def _file_system(store: Store) -> DoctorFinding:
    said, _ = uv.call(["cache", "dir"], Context(store), seconds=60)
    cache = Path(said.text.strip().splitlines()[-1]) if said.ok and said.text.strip() else None
    if cache is None:
        return DoctorFinding("file system", "note", "uv does not say where its cache is")
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    same = existing.stat().st_dev == store.folder("scratch").stat().st_dev
    if not linking.is_possible(store.folder("scratch")):
        return DoctorFinding("file system", "note", "the store has no symbolic links: every environment is a full copy")
    told = "uv's cache and the store are on one file system, files are shared"
    return (
        DoctorFinding("file system", "ok", told)
        if same
        else DoctorFinding(
            "file system", "note", f"uv's cache ({cache}) is on another file system: every package is on disk twice"
        )
    )


def _memory(_store: Store) -> DoctorFinding:
    free = psutil.virtual_memory().available
    return DoctorFinding("memory", "ok" if free > 3e9 else "note", f"{free / 1e9:.0f} GB free; a case takes up to 3 GB")
