"""The store of unpacked wheels: each distribution once on this machine, for however many environments.

uv chooses, downloads, checks and unpacks; what it unpacked is then parted by distribution, by the files that each
one's RECORD lists.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.files import disk_errors, remove_tree
from tfjs_compat.system.store import Store

_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


class Pinned(msgspec.Struct, frozen=True):
    """One distribution of a lock: its lines of the lock, and the name of its folder in the store."""

    name: str
    lines: str
    key: str


class UnbuildableError(Exception):
    """A source build that the lock allows failed; the text is the installer's."""


def pinned(lock: Lock, python: Interpreter) -> list[Pinned]:
    """The distributions of a lock, in its order.

    A key stands for the version, the hashes that are allowed and the Python and platform that choose among them.
    """
    found = []
    starts = [match.start() for match in _ENTRY.finditer(lock.text)]
    for start, end in itertools.pairwise([*starts, len(lock.text)]):
        lines = lock.text[start:end]
        match = _ENTRY.match(lines)
        assert match is not None
        told = f"{lines}\0{python.minor}\0{python.platform}\0{lock.source_builds}"
        short = hashlib.sha256(told.encode()).hexdigest()[:12]
        found.append(Pinned(canonicalize_name(match[1]), lines, f"{canonicalize_name(match[1])}-{match[2]}-{short}"))
    return found


def unpacked(
    lock: Lock,
    python: Interpreter,
    store: Store,
    *,
    stop: threading.Event | None = None,
    on_line: Callable[[str], None] | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """The folders of a lock's distributions, in its order; what is not there is fetched first.

    ``warn`` is told where files are copies of those in uv's cache and not links to them.

    Raises MachineryError, Interrupted, UnbuildableError.
    """
    root = store.folder("wheels")
    wanted = pinned(lock, python)
    if any(not (root / one.key).is_dir() for one in wanted):
        # One filling at a time: two runs that want one wheel would fetch it twice, and uv is parallel by itself.
        with store.locked("wheels", stop=stop):
            missing = [one for one in wanted if not (root / one.key).is_dir()]
            if missing:
                _fill(missing, lock, python, store, root, stop, on_line, warn)
    return [root / one.key for one in wanted]


def _fill(
    missing: list[Pinned],
    lock: Lock,
    python: Interpreter,
    store: Store,
    root: Path,
    stop: threading.Event | None,
    on_line: Callable[[str], None] | None,
    warn: Callable[[str], None],
) -> None:
    with disk_errors(root), tempfile.TemporaryDirectory(dir=root, prefix=".filling-") as name:
        if _install(missing, lock, python, store, Path(name) / "all", stop, on_line):
            warn("packages could not be linked from uv's cache: they are on this disk twice")
        clashing = split_by_distribution(Path(name) / "all", {one.name: Path(name) / one.key for one in missing})
        for one in missing:
            if one.name in clashing:
                # Two distributions bring one file: together, only one of them would have kept it.
                remove_tree(Path(name) / one.key)
                _install([one], lock, python, store, Path(name) / one.key, stop, on_line)
            (Path(name) / one.key).rename(root / one.key)


def _install(
    wanted: list[Pinned],
    lock: Lock,
    python: Interpreter,
    store: Store,
    target: Path,
    stop: threading.Event | None,
    on_line: Callable[[str], None] | None,
) -> bool:
    """Install into a folder; whether the files are copies where links were wanted."""
    policy = "" if lock.source_builds else "--only-binary :all:\n"
    arguments = ["pip", "install", "--python", python.executable, "--target", str(target), "--no-deps"]
    arguments += ["--require-hashes", "-r", "wanted.txt"]
    inputs = {"wanted.txt": policy + "".join(one.lines for one in wanted)}
    said, _ = uv.call(arguments, store, inputs=inputs, stop=stop, on_line=on_line)
    if said.ok:
        (target / ".lock").unlink(missing_ok=True)  # uv's own
        return uv.COPIED in said.text
    if (fault := uv.machinery_fault(said.text)) is not None:
        raise MachineryError(fault)
    if "Failed to build" in said.text:
        raise UnbuildableError(said.text)
    raise MachineryError(f"uv could not install lock {lock.id}: {said.text.strip()[-600:]}")


def split_by_distribution(together: Path, folders: Mapping[str, Path]) -> set[str]:
    """Move what was unpacked into one folder apart, into a folder per distribution.

    ``folders``: canonical name → where to. Gives the distributions that claim a file that another claims too.
    Raises MachineryError for a distribution that did not arrive.
    """
    records: dict[str, Path] = {
        canonicalize_name(info.name.split("-")[0]): info for info in together.glob("*.dist-info")
    }
    owners: dict[str, str] = {}
    clashing: set[str] = set()
    by_top: dict[str, set[str]] = {}
    for name in folders:
        if name not in records:
            raise MachineryError(f"{name} was installed and left no metadata")
        for path in _listed(records[name]):
            if owners.setdefault(path, name) != name:
                clashing |= {owners[path], name}
            by_top.setdefault(path.split("/")[0], set()).add(name)
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for top, names in by_top.items():
        if len(names) == 1 and (together / top).exists():
            (together / top).rename(folders[next(iter(names))] / top)
    for path, name in owners.items():
        if len(by_top[path.split("/")[0]]) > 1 and (together / path).is_file():
            target = folders[name] / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (together / path).rename(target)
    return clashing


def _listed(info: Path) -> Iterable[str]:
    """The files that a RECORD lists, inside the folder only."""
    with (info / "RECORD").open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            path = os.path.normpath(row[0]).replace(os.sep, "/") if row else ""
            if path and not path.startswith(("..", "/")):
                yield path


def free_unused(store: Store, used: set[str]) -> int:
    """Remove the folders of the store that are not among ``used``, and half-filled ones; how many there were."""
    root, removed = store.folder("wheels"), 0
    with store.locked("wheels"):
        for path in list(root.iterdir()):
            if path.name not in used:
                shutil.rmtree(path, ignore_errors=True) if path.name.startswith(".") else remove_tree(path)
                removed += 1
    return removed
