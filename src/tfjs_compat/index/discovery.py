"""Which Pythons this machine has: uv lists them once, and again when an executable has changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.interpreters import OLDEST, Interpreter
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder

_LIST_SECONDS = 60.0
_ANSWER_SECONDS = 10.0
_BIN = "" if os.name == "nt" else "bin"
_NAME = re.compile(r"python3?(\.\d+)?(\.exe)?")


class ListedPython(msgspec.Struct, frozen=True):
    """One line of ``uv python list --output-format json``, as far as it is read.

    ``os``, ``arch`` and ``variant`` are in uv's words (``macos``, ``aarch64``, ``freethreaded``).
    """

    version: str
    path: str | None
    os: str
    arch: str
    implementation: str
    variant: str = "default"


_INTERPRETERS = Reader[tuple[Interpreter, ...]](tuple[Interpreter, ...])
_LISTED = Reader[list[ListedPython]](list[ListedPython])


def find_interpreters(
    store: Store, list_pythons: Callable[[Sequence[Path], Store], list[ListedPython]] | None = None
) -> tuple[Interpreter, ...]:
    """Every final, not free-threaded CPython ≥ 3.8 of pyenv, of uv, of PATH and the running one; newest first.

    One per version: of several the one in the folder that comes first. The answer is kept in the store for as long as
    no executable in these folders changes in size or time, so a second call starts no process. ``list_pythons`` asks
    for the Pythons in folders (uv, unless given). Raises MachineryError where uv cannot be run.
    """
    folders = list(dict.fromkeys(_folders()))
    kept = store.folder("interpreters") / f"{_fingerprint(folders)}.json"
    try:
        found = _INTERPRETERS.read(kept)
        if all(Path(python.executable).exists() for python in found):
            with contextlib.suppress(OSError):
                os.utime(kept)
            return found
    except OSError:
        pass
    found = usable((list_pythons or _list_with_uv)(folders, store), folders)
    write_whole(kept, msgspec.json.encode(found), lasting=False)
    return found


def usable(listed: Iterable[ListedPython], folders: Sequence[Path]) -> tuple[Interpreter, ...]:
    """Of the Pythons that uv lists those that environments can be made of, newest first, one per version.

    Of several of one version, the one whose folder is first in ``folders``, then the one that uv lists first.
    """
    rank = {str(folder): number for number, folder in enumerate(folders)}
    best: dict[Version, tuple[int, Interpreter]] = {}
    for python in listed:
        try:
            version = Version(python.version)
        except InvalidVersion:
            continue
        if python.path is None or python.implementation != "cpython" or "freethreaded" in python.variant:
            continue
        if version.release < (3, OLDEST) or version.is_prerelease:
            continue
        place = rank.get(str(Path(python.path).parent), len(rank))
        if version not in best or place < best[version][0]:
            best[version] = (place, Interpreter(python.version, _platform(python), python.path))
    return tuple(best[version][1] for version in sorted(best, reverse=True))


_SYSTEMS = {"macos": "darwin", "windows": "win32"}
_MACHINES = {
    "linux": {"x86": "i686", "armv7": "armv7l", "powerpc64le": "ppc64le"},
    "macos": {"aarch64": "arm64"},
    "windows": {"x86_64": "AMD64", "aarch64": "ARM64"},
}


def _platform(python: ListedPython) -> str:
    """``sys.platform`` and ``platform.machine()`` as that Python itself gives them."""
    machine = _MACHINES.get(python.os, {}).get(python.arch, python.arch)
    return f"{_SYSTEMS.get(python.os, python.os)}-{machine}"


def _list_with_uv(folders: Sequence[Path], store: Store) -> list[ListedPython]:
    # uv looks in PATH and in its own folder; so it is given a PATH with pyenv's versions, which are not on the user's.
    # Its configuration could hide Pythons.
    variables = {"PATH": os.pathsep.join(map(str, folders))}
    if own := os.environ.get("UV_PYTHON_INSTALL_DIR"):
        variables["UV_PYTHON_INSTALL_DIR"] = own
    arguments = ["python", "list", "--only-installed", "--offline", "--output-format", "json"]
    arguments += ["--python-preference", "managed"]
    try:
        said, _ = uv.call(arguments, Context(store), variables=variables, seconds=_LIST_SECONDS)
    except MachineryError as error:
        if (silent := _silent(folders, store)) is not None:
            raise MachineryError(f"{silent} does not answer\nhint: take it out of PATH") from error
        raise
    if not said.ok or uv.machine_fault(said.text):
        # uv's cache may be in a folder that cannot be written to; without it every Python is run anew.
        said, _ = uv.call([*arguments, "--no-cache"], Context(store), variables=variables, seconds=_LIST_SECONDS)
    # What uv could not ask is a warning of it, and the list one without that Python: it would be kept as all there are.
    if (fault := uv.machine_fault(said.text)) is not None:
        raise MachineryError(f"the Pythons of this machine cannot be listed: {fault}")
    # Warnings on what it could not run come between.
    for line in reversed(said.text.splitlines()):
        if said.ok and line.startswith("["):
            try:
                return _LISTED.decode(line)
            except msgspec.DecodeError:
                continue
    raise MachineryError(f"uv could not list the Pythons of this machine: {said.text.strip()[-600:]}")


def _silent(folders: Sequence[Path], store: Store) -> Path | None:
    """The first executable in these folders that does not say its version: uv waits for it, and does not say which."""
    for path in dict.fromkeys(path for folder in folders for path in _executables(folder)):
        with temporary_folder("python-", store.folder("scratch")) as scratch:
            try:
                ended = process.run(
                    [str(path), "--version"],
                    env=clean_environment(scratch / "home"),
                    cwd=scratch,
                    log=scratch / "log.txt",
                    limits=process.Limits(seconds=_ANSWER_SECONDS),
                )
            except MachineryError:
                continue
            if ended.limit_exceeded is not None:
                return path
    return None


def _fingerprint(folders: Sequence[Path]) -> str:
    """A digest of where Pythons can be, and of path, size and time of each executable there and of uv."""
    facts: list[object] = [str(folder) for folder in folders]
    for path in [Path(uv.uv_executable()), *(path for folder in folders for path in _executables(folder))]:
        try:
            status = path.stat()
        except OSError:
            continue
        facts.append((str(path), status.st_size, status.st_mtime_ns))
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:24]


def _executables(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []


def _folders() -> Iterator[Path]:
    """Where there can be Pythons, the one that runs this first."""
    running = Path(sys.executable)
    yield from _with_base(running.parent)
    yield running.resolve().parent
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", _data_home() / "uv" / "python"))
    for root in (pyenv, managed):
        for folder in sorted(root.glob(f"*/{_BIN}") if _BIN else root.glob("*/")):
            yield from _with_base(folder)
    for name in os.environ.get("PATH", "").split(os.pathsep):
        # pyenv's shims answer only for the versions selected; the versions themselves are found above.
        if name and Path(name).name != "shims":
            yield from _with_base(Path(name).absolute())


def _with_base(folder: Path) -> Iterator[Path]:
    """A folder, and where it is that of a virtualenv, before it that of the Python that the virtualenv was made of."""
    try:
        settings = (folder.parent / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        settings = ""
    if home := re.search(r"^home *= *(.+?)\s*$", settings, re.MULTILINE):
        yield Path(home[1])
    yield folder


def _data_home() -> Path:
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", Path.home()))
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
