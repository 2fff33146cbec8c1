"""The Pythons of this machine that environments can be made of, and the choice among them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from packaging.version import Version

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.store import Store

AUTO = "auto"
"""Axis value: the interpreter that suits the TensorFlow release best (see ``choose_for``)."""

_OLDEST, _NEWEST = 8, 15
"""The minors of CPython 3 that environments can be of: what the programs in ``inside`` run on, what was released."""

_BEST_SERVED = ("3.11", "3.10", "3.12", "3.9", "3.13", "3.8", "3.14")


class Interpreter(msgspec.Struct, frozen=True):
    """A Python that was found and has answered: its full version, its platform and its executable."""

    version: str
    platform: str
    executable: str

    @property
    def minor(self) -> str:
        """``3.11`` of ``3.11.7``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def tag(self) -> str:
        """What wheels can depend on, and so what an environment is bound to: ``cpython-3.11.7-linux-x86_64``."""
        return f"cpython-{self.version}-{self.platform}"


def find_interpreters(store: Store) -> tuple[Interpreter, ...]:
    """Every CPython ≥ 3.8 of pyenv, of uv, of PATH and the running one, newest first; one per version."""
    from python_discovery import DiskCache, PythonInfo

    cache = DiskCache(store.folder("interpreters"))
    found: dict[str, Interpreter] = {}
    # A Python that is asked for its version needs nothing of the caller's environment.
    probing = clean_environment(store.folder("scratch", "probing"))
    for executable in _candidates():
        info = PythonInfo.from_exe(str(executable), cache, raise_on_error=False, env=probing)
        if info is None or info.implementation != "CPython" or tuple(info.version_info[:2]) < (3, 8):
            continue
        base = info.system_executable or info.executable
        if info.version_info.releaselevel != "final" or base is None or getattr(info, "free_threaded", False):
            continue
        version = ".".join(str(part) for part in info.version_info[:3])
        platform = f"{sys.platform}-{info.machine}"
        found.setdefault(version, Interpreter(version, platform, base))
    return tuple(sorted(found.values(), key=lambda one: Version(one.version), reverse=True))


def _candidates() -> Iterable[Path]:
    name = "python.exe" if os.name == "nt" else "bin/python3"
    home = Path.home()
    yield Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", _data_home() / "uv" / "python"))
    for root in (pyenv, uv):
        yield from sorted(path for path in root.glob(f"*/{name}") if path.exists())
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        # pyenv's shims answer only for the versions selected; the versions themselves are found above.
        if folder and Path(folder).name != "shims":
            pattern = re.compile(r"python3?(\.\d+)?(\.exe)?")
            try:
                names = sorted(one.name for one in Path(folder).iterdir())
            except OSError:
                continue
            yield from (Path(folder, one) for one in names if pattern.fullmatch(one))


def _data_home() -> Path:
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", Path.home()))
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))


def choose(request: str, found: Sequence[Interpreter]) -> Interpreter:
    """The newest interpreter that a request such as ``3.11``, ``3.11.7`` or a path means.

    Raises RequestError where the request is no version that there is, MachineryError where this machine has no such
    interpreter.
    """
    for one in found:
        if request == one.executable:
            return one
    if not re.fullmatch(r"3(\.\d+){1,2}", request):
        raise RequestError(f"python: '{request}' is not a Python version such as '3.11'; {_have(found)}")
    for one in found:
        if one.version == request or one.version.startswith(request + "."):
            return one
    minor = int(request.split(".")[1]) if "." in request else _OLDEST
    if minor < _OLDEST:
        raise RequestError(
            f"python: Python {request} is too old: the environments need 3.{_OLDEST} or newer; {_have(found)}"
        )
    if minor > max(_NEWEST, *(int(one.minor.split(".")[1]) for one in found), 0):
        raise RequestError(f"python: there is no Python {request}; {_have(found)}")
    raise MachineryError(
        f"there is no Python {request} on this machine; {_have(found)}. `uv python install {request}` adds one"
    )


def choose_for(wheel_tags: Iterable[str], found: Sequence[Interpreter]) -> Interpreter | None:
    """The interpreter to use where none was asked for, or None where no wheel fits any.

    ``wheel_tags`` are the Python tags (``cp311``) of the TensorFlow release. Of those that fit, the one that most
    packages around tensorflowjs have wheels for: 3.11, then its neighbours.
    """
    fitting = {one.minor: one for one in reversed(found) if "cp" + one.minor.replace(".", "") in set(wheel_tags)}
    for minor in _BEST_SERVED:
        if minor in fitting:
            return fitting[minor]
    return next(iter(fitting.values()), None)


def _have(found: Sequence[Interpreter]) -> str:
    return "found: " + (", ".join(one.version for one in found) or "none")
