"""An environment on disk: what it is, whether it is whole, who uses it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, write_whole
from tfjs_compat.system.store import Store

DESCRIPTION = "environment.json"


class Environment(msgspec.Struct, frozen=True):
    """A built environment: ``root`` holds the virtualenv ``venv`` and the lock it was filled from.

    ``python`` is what its lock is bound to, ``base`` the executable that its virtualenv was made of, ``built`` when, in
    seconds since the epoch. ``trees`` names the folders of the store of unpacked wheels that it links to; none where
    its files are its own. ``entries`` are what stood in its site-packages then, by name; none where that is not known.
    """

    id: str
    root: Path
    python: PythonBuild
    base: str
    packages: dict[str, str]
    built: float
    trees: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()

    @property
    def bin(self) -> Path:
        """Where the environment's executables are."""
        return self.root / "venv" / ("Scripts" if os.name == "nt" else "bin")

    @property
    def executable(self) -> Path:
        """The environment's Python."""
        return self.bin / ("python.exe" if os.name == "nt" else "python")


Layout = Literal["linked", "flat"]
"""How an environment holds its packages: links into the store of unpacked wheels, or files of its own."""

DEFAULT_LAYOUT: Layout = "flat" if os.name == "nt" else "linked"


class NotInstallable(msgspec.Struct, frozen=True):
    """Why a lock cannot be installed: a distribution that does not build here."""

    message: str
    text: str


def is_built(lock_id: str, store: Store, layout: Layout = DEFAULT_LAYOUT) -> bool:
    """Whether the environment of a lock stands ready."""
    return read_environment(store.root / "environments" / folder_name(lock_id, layout)) is not None


def folder_name(lock_id: str, layout: Layout) -> str:
    """The name of the folder of a lock's environment."""
    return lock_id if layout == "linked" else f"{lock_id}-{layout}"


class _Description(msgspec.Struct, frozen=True):
    """``environment.json``: an environment without its place, for the store may be moved."""

    id: str
    python: str
    base: str
    packages: dict[str, str]
    built: float
    trees: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()


_DESCRIPTIONS = Reader[_Description](_Description)


def describe(environment: Environment) -> None:
    """Write what makes a filled folder an environment. Raises MachineryError."""
    made = _Description(
        environment.id,
        environment.python.tag,
        environment.base,
        environment.packages,
        environment.built,
        environment.trees,
        environment.entries,
    )
    write_whole(environment.root / DESCRIPTION, msgspec.json.encode(made))


def read_environment(root: Path) -> Environment | None:
    """The environment in a folder, or None where it is not whole or its interpreter is gone."""
    try:
        made = _DESCRIPTIONS.read(root / DESCRIPTION)
        python = PythonBuild.of_tag(made.python)
    except (OSError, ValueError):
        return None
    if root.is_symlink():
        # It leads to what is not ours: it is made anew.
        return None
    found = Environment(made.id, root, python, made.base, made.packages, made.built, made.trees, made.entries)
    wheels = root.parent.parent / "wheels"
    whole = (
        found.executable.exists()
        # Its Python reads it first, and would wait for a pipe for ever.
        and (root / "venv" / "pyvenv.cfg").is_file()
        and Path(found.base).exists()
        and all((wheels / key).is_dir() for key in found.trees)
    )
    return found if whole else None


@contextlib.contextmanager
def in_use(environment: Environment) -> Iterator[None]:
    """Mark an environment as used by this process, so that nobody removes it meanwhile.

    The mark is a lock and not a mere file: that of a process which was killed does not count.
    """
    mark = environment.root / f"used-by-{os.getpid()}-{secrets.token_hex(4)}"
    if environment.root.is_dir() and not os.access(environment.root, os.W_OK):
        # Nothing can be marked in a read-only store, nor can anybody who is like us remove from it.
        yield
        return
    # It may be taken by one thread and given back by another.
    lock = FileLock(mark, thread_local=False)
    with disk_errors(mark):
        lock.acquire()
    try:
        with disk_errors(mark):
            (environment.root / DESCRIPTION).stat()
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)
        touch(environment)


def touch(environment: Environment) -> None:
    """Note that an environment is used now. Does nothing in a read-only store."""
    with contextlib.suppress(OSError):
        os.utime(environment.root / DESCRIPTION)


def last_used(environment: Environment) -> float:
    """When an environment last ran a case, in seconds since the epoch."""
    try:
        return (environment.root / DESCRIPTION).stat().st_mtime
    except OSError:
        return environment.built


def users_of(root: Path) -> list[str]:
    """The ids of the processes that use an environment; marks of processes that are gone are cleared away."""
    found = []
    for mark in root.glob("used-by-*-*"):
        try:
            with FileLock(mark, timeout=0):
                pass
        except Timeout:
            found.append(mark.name.split("-")[2])
        else:
            mark.unlink(missing_ok=True)
    return found
