"""The store of unpacked wheels: each distribution once on this machine, for however many environments.

uv chooses, downloads, checks and unpacks; what it unpacked is then parted by distribution, by the files that each
one's RECORD lists.
"""

from __future__ import annotations

import csv
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from tfjs_compat.environments.install import Installer, install
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import Interpreter, PythonBuild
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, remove_tree, write_whole

_KEYS = Reader[tuple[str, ...]](tuple[str, ...])


class StoredWheel(msgspec.Struct, frozen=True):
    """One distribution of a lock: its lines of the lock, and the name of its folder in the store."""

    name: str
    lines: str
    key: str


def stored_wheels(lock: Lock, python: PythonBuild) -> list[StoredWheel]:
    """The distributions of a lock, in its order.

    A key stands for the version, the hashes that are allowed and the Python and platform that choose among them.
    """
    found = []
    for pin in lock.pins():
        decides = f"{pin.lines}\0{python.minor}\0{python.platform}\0{lock.source_builds}"
        short = hashlib.sha256(decides.encode()).hexdigest()[:12]
        found.append(StoredWheel(pin.name, pin.lines, f"{pin.name}-{pin.version}-{short}"))
    return found


_CLAIM = "wheels.json"


def claim(keys: Sequence[str], root: Path, context: Context) -> None:
    """Note in the folder of an environment which wheels it will link to, so that none of them is collected.

    Whoever collects holds the same lock: it has ended before, or it sees the claim. Raises MachineryError, Interrupted.
    """
    with context.store.locked("collecting", stop=context.stop):
        write_whole(root / _CLAIM, msgspec.json.encode(keys), lasting=False)


def claimed(root: Path) -> tuple[str, ...]:
    """The keys of the wheels that the environment in a folder claims, whole or not."""
    try:
        return _KEYS.decode((root / _CLAIM).read_bytes())
    except (OSError, msgspec.DecodeError):
        return ()


def unpacked(
    wheels: Sequence[StoredWheel],
    lock: Lock,
    python: Interpreter,
    context: Context,
    installer: Installer,
) -> tuple[Path, ...]:
    """The folders of a lock's ``wheels``, in their order; what is not there is fetched first.

    The installer's ``warn`` is called where files are copies of those in uv's cache and not links to them. Raises
    MachineryError, Interrupted, UnbuildableError.
    """
    root = context.store.folder("wheels")
    if any(not (root / wheel.key).is_dir() for wheel in wheels):
        # One filling at a time: two runs that need one wheel would fetch it twice, and uv is parallel by itself.
        with context.store.locked("wheels", stop=context.stop):
            if missing := [wheel for wheel in wheels if not (root / wheel.key).is_dir()]:
                _fill(missing, lock, python, context, root, installer)
    return tuple(root / wheel.key for wheel in wheels)


def _fill(
    missing: Sequence[StoredWheel],
    lock: Lock,
    python: Interpreter,
    context: Context,
    root: Path,
    installer: Installer,
) -> None:
    def unpack(wheels: Sequence[StoredWheel], target: Path) -> bool:
        """Install into a folder; whether the files are copies where links were possible."""
        policy = "" if lock.source_builds else "--only-binary :all:\n"
        inputs = {"requirements.txt": policy + "".join(wheel.lines for wheel in wheels)}
        options = ["--python", python.executable, "--target", str(target)]
        copied = install(lock, options, inputs, context, installer)
        (target / ".lock").unlink(missing_ok=True)  # uv's own
        return copied

    with disk_errors(root), tempfile.TemporaryDirectory(dir=root, prefix=".filling-") as name:
        folder = Path(name)
        if unpack(missing, folder / "all"):
            installer.warn("packages could not be linked from uv's cache: they are on this disk twice")
        clashing = split_by_distribution(folder / "all", {wheel.name: folder / wheel.key for wheel in missing})
        for wheel in missing:
            if wheel.name in clashing:
                # Two distributions bring one file: together, only one of them would have kept it.
                remove_tree(folder / wheel.key)
                unpack([wheel], folder / wheel.key)
            (folder / wheel.key).rename(root / wheel.key)


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
