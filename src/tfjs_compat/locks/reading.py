"""A lock's text → its distributions: requirements files with hashes, as pip and uv write them, and pylock.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import tomli
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tfjs_compat.errors import RequestError
from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.system.files import read_regular

if TYPE_CHECKING:
    from packaging.pylock import Package

_MOST_BYTES = 16 << 20
_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"--hash[= ]\s*(\S+)")


class Pin(msgspec.Struct, frozen=True):
    """One distribution of a lock: canonical ``name``, exact ``version``, allowed ``hashes`` (``sha256:…``).

    ``lines`` are its lines of a requirements file as they stand there, line ends included; empty for a pylock.toml.
    ``marker`` says for which environments it is (PEP 508); empty: for all.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    lines: str = ""
    marker: str = ""


class LogicalLine(msgspec.Struct, frozen=True):
    """A line of a requirements file with those that continue it.

    ``number`` is that of its first line from 1, ``raw`` the text as it stands, ``content`` the same in one line without
    comments.
    """

    number: int
    raw: str
    content: str


def logical_lines(text: str) -> Iterator[LogicalLine]:
    r"""The lines of a requirements file that hold something, joined where a backslash ends them, as pip reads them.

    >>> [(line.number, line.content) for line in logical_lines("# all\na==1 \\\n  --hash=sha256:0  # via b\n\nb\n")]
    [(2, 'a==1   --hash=sha256:0'), (5, 'b')]
    """
    parts: list[str] = []
    raw, first = "", 1
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if not raw:
            first = number
        raw += line
        bare = line.rstrip("\r\n")
        # A comment ends what it stands in, even if a backslash ends the comment.
        continued = bare.endswith("\\") and not bare.lstrip().startswith("#")
        parts.append(bare[:-1] if continued else bare)
        if continued and number < len(lines):
            continue
        content = " ".join(parts) if bare.lstrip().startswith("#") else "".join(parts)
        if "#" in content:
            content = _COMMENT.sub("", content)
        if content := content.strip():
            yield LogicalLine(first, raw, content)
        parts, raw = [], ""


def read_lock_file(path: Path, python: PythonBuild | None = None) -> tuple[Pin, ...]:
    """The distributions of a lock file: a pylock.toml by its name's end, else a requirements file.

    Of a lock for several environments those for ``python``, where one is given. Raises RequestError where it cannot be
    read, is neither, or does not pin everything to one version.
    """
    try:
        text = read_lock_text(path)
        pins = read_pylock(text) if path.suffix == ".toml" else read_requirements(text)
        if python is not None:
            pins = tuple(pin for pin in pins if _is_for(pin, python))
        versions(pins)
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path}: cannot be read: {error}") from None
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None
    return pins


_SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def _is_for(pin: Pin, python: PythonBuild) -> bool:
    """Whether a marker lets a Python have a distribution. Of extras none is asked for."""
    system, _, machine = python.platform.partition("-")
    of_python = {"python_version": python.minor, "python_full_version": python.version}
    of_machine = {"sys_platform": system, "platform_machine": machine, "platform_system": _SYSTEMS.get(system, "")}
    return not pin.marker or Marker(pin.marker).evaluate({**of_python, **of_machine, "extra": ""})


def read_lock_text(path: Path) -> str:
    """The text of a lock file. Raises OSError for a pipe, a device and more than 16 MiB, UnicodeDecodeError."""
    return read_regular(path, _MOST_BYTES).decode("utf-8-sig")


def read_requirements(text: str) -> tuple[Pin, ...]:
    """The distributions of a requirements file, in its order. Options decide nothing here.

    Raises RequestError for a line that is not pinned to one version of a package of an index.
    """
    return tuple(_pin(line) for line in logical_lines(text) if not _is_option(line))


def _is_option(line: LogicalLine) -> bool:
    if re.match(r"(-r|--requirement|-e|--editable)\b", line.content):
        raise RequestError(f"line {line.number}: '{line.content}' is not a pin such as 'numpy==1.26.4'")
    return line.content.startswith("-")


def _pin(line: LogicalLine) -> Pin:
    text = re.split(r"\s+--", line.content)[0]
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequestError(f"line {line.number}: '{text}' is not a valid requirement: {reason}") from None
    exact = [each for each in requirement.specifier if each.operator in ("==", "===") and "*" not in each.version]
    if len(exact) != 1:
        raise RequestError(f"line {line.number}: '{text}' is not a pin such as 'numpy==1.26.4'")
    hashes = tuple(_HASH.findall(line.content))
    marker = str(requirement.marker) if requirement.marker is not None else ""
    return Pin(canonicalize_name(requirement.name), exact[0].version, hashes, line.raw, marker)


def read_pylock(text: str) -> tuple[Pin, ...]:
    """The distributions of a pylock.toml (PEP 751), in its order.

    Raises RequestError for what is none, and for a package without a version (a folder, a repository).
    """
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        document = Pylock.from_dict(tomli.loads(text))
    except (tomli.TOMLDecodeError, PylockValidationError, PylockUnsupportedVersionError, RecursionError) as error:
        raise RequestError(f"not a pylock.toml: {error}") from None
    return tuple(_of_package(package) for package in document.packages)


def _of_package(package: Package) -> Pin:
    if package.version is None:
        raise RequestError(f"package {package.name} has no version: only packages of an index can be compared")
    files = [*(package.wheels or ()), *([package.sdist] if package.sdist is not None else ())]
    hashes = (f"{algorithm}:{digest}" for file in files for algorithm, digest in sorted(file.hashes.items()))
    marker = str(package.marker) if package.marker is not None else ""
    return Pin(canonicalize_name(package.name), str(package.version), tuple(dict.fromkeys(hashes)), marker=marker)


def versions(pins: Iterable[Pin]) -> dict[str, str]:
    """Name → version, in the order of the lock.

    Raises RequestError where one name has two versions: such a lock is for several environments at once.
    """
    found: dict[str, str] = {}
    for pin in pins:
        if found.setdefault(pin.name, pin.version) != pin.version:
            raise RequestError(
                f"{pin.name} is pinned to {found[pin.name]} and to {pin.version}: this is a lock for several"
                " environments, and one for a single environment is needed"
            )
    return found
