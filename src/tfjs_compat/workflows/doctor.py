"""Check that this machine has what a run needs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from tfjs_compat.environments import linking
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.index import uv
from tfjs_compat.index.address import shown_index
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.releases import fetch_releases
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.confinement import missing_confinement
from tfjs_compat.trials.runtimes.browser import browser_version, find_browser
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.trials.runtimes.programs import remembered_version

# Environments share what is unpacked once: the next one takes what no other has, of which TensorFlow is the most.
_FIRST_BYTES, _NEXT_BYTES = 2.5e9, 2e9


class DoctorFinding(msgspec.Struct, frozen=True):
    """One thing that a run needs: ``what`` it is, what the check ``says``; ``bad`` stops a run, ``note`` does not."""

    what: str
    status: Literal["ok", "note", "bad"]
    says: str


def doctor(store: Store, runtime: Literal["node", "browser"] = "node") -> list[DoctorFinding]:
    """One finding for each thing that a run with this runtime needs. Raises nothing: a failing check is a finding."""
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
        ("confinement", _confinement),
    ]
    optional = {"browser"} if runtime == "node" else set[str]()
    return [_finding(what, look, store, "note" if what in optional else "bad") for what, look in looks]


def _finding(
    what: str, look: Callable[[Store], DoctorFinding], store: Store, if_missing: Literal["note", "bad"]
) -> DoctorFinding:
    try:
        return look(store)
    except (MachineryError, RequestError, OSError) as error:
        return DoctorFinding(what, if_missing, str(error).replace("\nhint: ", "; hint: "))


def _interpreters(store: Store) -> DoctorFinding:
    found = find_interpreters(store)
    versions = ", ".join(interpreter.version for interpreter in found) or "none"
    if any(interpreter.minor in ("3.9", "3.10", "3.11") for interpreter in found):
        return DoctorFinding("interpreters", "ok", versions)
    says = f"{versions}; TensorFlow 2.15 needs 3.9 to 3.11: `uv python install 3.11`"
    return DoctorFinding("interpreters", "note", says)


def _uv(store: Store) -> DoctorFinding:
    answer, _ = uv.call(["--version"], Context(store), seconds=60)
    return DoctorFinding("uv", "ok" if answer.ok else "bad", answer.text.strip())


def _index(store: Store) -> DoctorFinding:
    shown = shown_index()
    releases = fetch_releases("tensorflowjs", store, fresh=True)
    newest = releases[-1].version if releases else "none"
    says = f"{shown}: tensorflowjs {newest} is the newest of {len(releases)}"
    if any(release.uploaded for release in releases):
        return DoctorFinding("package index", "ok", says)
    return DoctorFinding("package index", "note", f"{says}; it gives no upload times, which --as-of needs")


def _node(store: Store) -> DoctorFinding:
    node = find_node(store=store)
    return DoctorFinding("Node", "ok", f"{node.version} ({node.origin})")


def _browser(store: Store) -> DoctorFinding:
    version = remembered_version(find_browser(), browser_version, store)
    return DoctorFinding("browser", "ok", f"{version} (for --runtime browser)")


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
    answer, _ = uv.call(["cache", "dir"], Context(store), seconds=60)
    cache = Path(answer.text.strip().splitlines()[-1]) if answer.ok and answer.text.strip() else None
    if cache is None:
        return DoctorFinding("file system", "note", "uv does not say where its cache is")
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    same = existing.stat().st_dev == store.folder("scratch").stat().st_dev
    if not linking.is_possible(store.folder("scratch")):
        return DoctorFinding("file system", "note", "the store has no symbolic links: every environment is a full copy")
    if same:
        return DoctorFinding("file system", "ok", "uv's cache and the store are on one file system, files are shared")
    says = f"uv's cache ({cache}) is on another file system: every package is on disk twice"
    return DoctorFinding("file system", "note", says)


def _memory(_store: Store) -> DoctorFinding:
    free = psutil.virtual_memory().available
    return DoctorFinding("memory", "ok" if free > 3e9 else "note", f"{free / 1e9:.0f} GB free; a case takes up to 3 GB")


def _confinement(store: Store) -> DoctorFinding:
    missing = missing_confinement(Context(store))
    if not missing:
        return DoctorFinding("confinement", "ok", "models write to their own folder only, and have no network")
    says = f"this system cannot keep models from {', '.join(missing)}: run no model that you would not run yourself"
    return DoctorFinding("confinement", "note", says)
