"""A Python that environments can be made of, and the choice among those of this machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from tfjs_compat.errors import MachineryError, RequestError

AUTO = "auto"
"""Axis value: the interpreter that suits the TensorFlow release best (see ``choose_for``)."""

OLDEST = 8
"""The oldest minor of CPython 3 that environments can be of: what the programs in ``inside`` run on."""

_NEWEST = 15
"""The newest minor of CPython 3 that is known to have been released."""

_NEEDED = f"the environments need 3.{OLDEST} or newer"

_BEST_SERVED = ("3.11", "3.10", "3.12", "3.9", "3.13", "3.8", "3.14")


class PythonBuild(msgspec.Struct, frozen=True):
    """What wheels can depend on of a CPython, and so what a lock and an environment are bound to.

    ``version`` is the full one (``3.11.7``), ``platform`` is ``sys.platform`` and the machine (``linux-x86_64``).
    """

    version: str
    platform: str

    @property
    def minor(self) -> str:
        """``3.11`` of ``3.11.7``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def tag(self) -> str:
        """The name that lock files and environments carry: ``cpython-3.11.7-linux-x86_64``."""
        return f"cpython-{self.version}-{self.platform}"

    @classmethod
    def of_tag(cls, tag: str) -> PythonBuild:
        """The build that a tag names. Raises ValueError where it names none.

        >>> PythonBuild.of_tag("cpython-3.11.7-linux-x86_64")
        PythonBuild(version='3.11.7', platform='linux-x86_64')
        """
        parts = re.fullmatch(r"cpython-(3[\d.]*)-(\S+)", tag)
        if parts is None:
            raise ValueError(f"'{tag}' is not a tag such as cpython-3.11.7-linux-x86_64")
        return cls(parts[1], parts[2])


class Interpreter(PythonBuild, frozen=True):
    """A Python of this machine that has answered, with its ``executable``."""

    executable: str

    @property
    def build(self) -> PythonBuild:
        """What of it wheels can depend on: not where it is."""
        return PythonBuild(self.version, self.platform)


def choose(request: str, found: Sequence[Interpreter]) -> Interpreter:
    """The newest interpreter that a request such as ``3.11``, ``3.11.7`` or a path means.

    Raises RequestError where the request is no version that there is, MachineryError where this machine has no such
    interpreter.
    """
    for python in found:
        if request == python.executable:
            return python
    if re.fullmatch(r"[0-2](\.\d+){0,2}", request):
        raise RequestError(f"python: Python {request} is too old: {_NEEDED}; {_have(found)}")
    if not re.fullmatch(r"3(\.\d+){1,2}", request):
        raise RequestError(f"python: '{request}' is not a Python version such as '3.11'; {_have(found)}")
    for python in found:
        if python.version == request or python.version.startswith(request + "."):
            return python
    minor = int(request.split(".")[1])
    if minor < OLDEST:
        raise RequestError(f"python: Python {request} is too old: {_NEEDED}; {_have(found)}")
    if minor > max(_NEWEST, *(int(python.minor.split(".")[1]) for python in found), 0):
        raise RequestError(f"python: there is no Python {request}; {_have(found)}")
    raise MachineryError(
        f"there is no Python {request} on this machine; {_have(found)}\nhint: `uv python install {request}` adds one"
    )


def choose_for(wheel_tags: Iterable[str], found: Sequence[Interpreter]) -> Interpreter | None:
    """The interpreter to use where none was requested, or None where no wheel fits any.

    ``wheel_tags`` are the Python tags (``cp311``) of the TensorFlow release. Of those that fit, the one that most
    packages around tensorflowjs have wheels for: 3.11, then its neighbours.
    """
    tags = set(wheel_tags)
    fitting = {python.minor: python for python in reversed(found) if "cp" + python.minor.replace(".", "") in tags}
    for minor in _BEST_SERVED:
        if minor in fitting:
            return fitting[minor]
    return next(iter(fitting.values()), None)


def _have(found: Sequence[Interpreter]) -> str:
    return "found: " + (", ".join(python.version for python in found) or "none")
