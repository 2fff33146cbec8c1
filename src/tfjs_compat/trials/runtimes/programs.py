"""The version of a program: read from its output once, then remembered while its file is the same.

A run that finds all its outcomes kept needs the version of what would have run TensorFlow.js, and starts no process.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder

_SECONDS = 60.0
_PACKAGED = ("/usr/", "/opt/", "/Applications/")
"""Where a script is replaced together with the program that it starts."""


class _Remembered(msgspec.Struct):
    file: tuple[str, int, int, int]
    version: str


_REMEMBERED = Reader[_Remembered](_Remembered)


def remembered_version(path: Path, find_version: Callable[[Path], str], store: Store | None) -> str:
    """The version of a program: from the store if its file is the same since it was found, else from ``find_version``.

    The same file: path, size in bytes, time of change in nanoseconds and inode. A file that may start different
    programs (a version manager's shim) is run each time, as it is without a store. Raises what ``find_version`` raises.
    """
    file = _file_of(path)
    if store is None or file is None:
        return find_version(path)
    record = store.folder("programs") / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.json"
    with contextlib.suppress(OSError):
        remembered = _REMEMBERED.read(record)
        if remembered.file == file:
            return remembered.version
    version = find_version(path)
    with contextlib.suppress(MachineryError):
        write_whole(record, msgspec.json.encode(_Remembered(file, version)), lasting=False)
    return version


def version_of(path: Path, pattern: str) -> str:
    """The version that a program prints when it is called with ``--version``: the first group of ``pattern``, in which
    ``^`` and ``$`` are the ends of a line. Raises MachineryError where the program fails or says no version."""
    text = _version_output(path)
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise MachineryError(f"{path} does not say its version: {text.strip()[-300:] or 'it printed nothing'}")
    return found[1]


def _version_output(path: Path) -> str:
    with temporary_folder("tfjs-compat-version-") as scratch:
        log = scratch / "log"
        environment = clean_environment(scratch / "home")
        limits = process.Limits(seconds=_SECONDS)
        ended = process.run([str(path), "--version"], env=environment, cwd=scratch, log=log, limits=limits)
        text = log.read_text("utf-8", "replace")
    if not ended.ok:
        raise MachineryError(f"{path} --version {ended.describe()}: {text.strip()[-300:]}")
    return text


def _file_of(path: Path) -> tuple[str, int, int, int] | None:
    """What the file of a program is known by; None where the program it starts may be another next time."""
    try:
        real = path.resolve(strict=True)
        with real.open("rb") as file:
            is_script = file.read(2) == b"#!"
        status = real.stat()
    except OSError:
        return None
    if is_script and not str(real).startswith(_PACKAGED):
        return None
    if not (real.name.startswith(path.name) or path.name.startswith(re.sub(r"[-.\d]+$", "", real.name))):
        # One file under many names, which chooses by the name: a launcher.
        return None
    return str(real), status.st_size, status.st_mtime_ns, status.st_ino
