"""What the user has already: the packages of a requirements file, a uv.lock or an environment."""

from __future__ import annotations

import codecs
import importlib.metadata
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tomli
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.locks.reading import logical_lines
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import is_of_the_system, read_regular, require_usable

_VERSIONS = Reader[dict[str, str]](dict[str, str])

ACTIVE = "active"
_DEEPEST = 8
_LARGEST = 64 << 20
"""Bytes of a file that are read."""
_MANAGED = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tensorflowjs", "keras", "tf-keras")
_LIST_DISTRIBUTIONS = """
import importlib.metadata, json, sys
found = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""


class Installed(msgspec.Struct, frozen=True):
    """``versions``: exact versions by package name, as indexes write it; ``requirements``: what is required beside
    TensorFlow, tensorflowjs and Keras, without versions, because another TensorFlow needs other ones."""

    versions: dict[str, str] = {}
    requirements: tuple[str, ...] = ()

    def pins(self) -> tuple[str, ...]:
        """All of it as ``name==version`` lines."""
        return tuple(f"{name}=={version}" for name, version in sorted(self.versions.items()))


def read_installed(source: str) -> Installed:
    """What a requirements file or a uv.lock says, or what is installed in the ``active`` environment.

    Raises RequestError where there is no such file or it is neither.
    """
    if source == ACTIVE:
        return _installed()
    path = Path(source)
    require_usable(f"--from {source}", path)
    try:
        text = _decoded(read_regular(path, _LARGEST))
    except FileNotFoundError:
        raise RequestError(
            f"--from {source}: there is no such file; give one, or 'active' for the environment"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"--from {source}: cannot be read: {error}") from None
    return _of_lock(source, text) if path.suffix == ".lock" else _of_requirements(source, text, path)


def _decoded(content: bytes) -> str:
    """A text in UTF-8, or in what its byte order mark says: PowerShell's ``pip freeze >`` writes UTF-16."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig")


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:  # InvalidVersion, and what int() says to thousands of digits
        return False
    return True


def _of_lock(source: str, text: str) -> Installed:
    try:
        return _of_packages(tomli.loads(text).get("package", []))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RequestError(f"--from {source}: not a uv.lock: {error}") from None


def _of_packages(packages: list[dict[str, Any]]) -> Installed:
    versions: dict[str, str] = {
        canonicalize_name(package["name"]): str(Version(package["version"]))
        for package in packages
        if "version" in package
    }
    roots = {
        canonicalize_name(package["name"])
        for package in packages
        if "registry" not in package.get("source", {"registry": ""})
    }
    required = [
        canonicalize_name(dependency["name"])
        for package in packages
        if canonicalize_name(package["name"]) in roots
        for dependency in package.get("dependencies", [])
    ]
    versions = {name: version for name, version in versions.items() if name not in roots}
    return Installed(versions, tuple(name for name in dict.fromkeys(required) if name not in _MANAGED))


class _Line(NamedTuple):
    """A requirement of a file: ``where`` it stands, and how a message has it: a file elsewhere may be a private one."""

    text: str
    where: str
    quoted: str


def _of_requirements(source: str, text: str, path: Path) -> Installed:
    versions: dict[str, str] = {}
    required: dict[str, None] = {}
    for line in _lines(source, text, (path,)):
        try:
            requirement = Requirement(line.text)
        except InvalidRequirement as error:
            reason = f": {str(error).splitlines()[0]}" if line.text in line.quoted else ""
            raise RequestError(
                f"{line.where}: {line.quoted} is not a valid requirement; expected e.g. 'numpy==1.26.4'{reason}"
            ) from None
        if requirement.url is not None:
            raise _no_package(line)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        name = canonicalize_name(requirement.name)
        pins = [
            specifier.version
            for specifier in requirement.specifier
            if specifier.operator in ("==", "===") and "*" not in specifier.version
        ]
        if pins and not _is_version(pins[0]):
            raise RequestError(f"{line.where}: '{pins[0]}' is not a valid version")
        if pins:
            versions["tensorflow" if name.startswith("tensorflow-") and name in _MANAGED else name] = pins[0]
        if name not in _MANAGED:
            required[name + (f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else "")] = None
    return Installed(versions, tuple(required))


def _no_package(line: _Line) -> RequestError:
    return RequestError(f"{line.where}: {line.quoted} is not a package of an index; leave it out, or build one")


_SKIPPED = (
    *("-c", "--constraint", "--hash", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--only-binary"),
    *("--no-binary", "--trusted-host", "--pre", "--require-hashes", "--no-index", "--prefer-binary"),
)


def _included(where: str, files: tuple[Path, ...]) -> str:
    """The text of the last of these files, which the one before names by ``-r``. Raises RequestError."""
    path = files[-1]
    require_usable(where, path)
    if len(files) > _DEEPEST:
        raise RequestError(f"{where}: files name one another by -r without an end, or more than {_DEEPEST} deep")
    if not path.is_file() or is_of_the_system(path):
        raise RequestError(f"{where}: there is no file {path}")
    return read_regular(path, _LARGEST).decode("utf-8", "replace")


def _lines(source: str, text: str, above: tuple[Path, ...]) -> Iterator[_Line]:
    """The requirements of a file and of those that it names by ``-r``; options are left out.

    ``above`` are the file and, before it, those by which it is named: only what is below the first one's folder is
    quoted.
    """
    place = f"--from {source}" if len(above) == 1 else f"--from {source}: {above[-1]}"
    top, folder = above[0].parent.resolve(), above[-1].parent
    private = top not in (folder.resolve(), *folder.resolve().parents)
    for logical in logical_lines(text):
        content, where = re.split(r"\s--hash[= ]", logical.content)[0].strip(), f"{place}: line {logical.number}"
        line = _Line(content, where, "it" if private else f"'{content}'")
        if other := re.match(r"(?:-r|--requirement)[ =]\s*(.+)", content):
            files = (*above, folder / other[1])
            yield from _lines(source, _included(where, files), files)
        elif content.startswith(("-e", "--editable", ".", "/", "git+", "http:", "https:", "file:")):
            raise _no_package(line)
        elif content.startswith("-"):
            if not content.startswith(_SKIPPED):
                raise RequestError(f"{where}: unknown option {line.quoted}")
        else:
            yield line


def _installed() -> Installed:
    """Of the environment that is active: VIRTUAL_ENV, CONDA_PREFIX, else the one that this tool runs in."""
    root = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if root is None or Path(root).resolve() == Path(sys.prefix).resolve():
        distributions = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
    else:
        distributions = _distributions_of(Path(root))
    versions: dict[str, str] = {
        canonicalize_name(name): version for name, version in distributions.items() if name and _is_version(version)
    }
    if "tensorflow" not in versions and "tensorflowjs" not in versions:
        raise RequestError(f"--from active: neither tensorflow nor tensorflowjs is installed in {root or sys.prefix}")
    # Everything is installed; nothing says what of it was required.
    return Installed(versions)


def _distributions_of(root: Path) -> dict[str, str]:
    """Name → version of what is installed in a virtualenv or conda environment, as its own Python lists it."""
    python = root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with tempfile.TemporaryDirectory(prefix="tfjs-compat-") as name:
        scratch = Path(name)
        try:
            ended = process.run(
                [str(python), "-I", "-c", _LIST_DISTRIBUTIONS, str(scratch / "distributions.json")],
                env=clean_environment(scratch),
                cwd=scratch,
                log=scratch / "log.txt",
                limits=process.Limits(seconds=60),
            )
            if ended.ok:
                return _VERSIONS.decode((scratch / "distributions.json").read_bytes())
            reason = f"{python} {ended.describe()}"
        except (MachineryError, OSError, msgspec.DecodeError) as error:
            reason = str(error)
        raise RequestError(f"--from active: cannot list what is installed in {root}: {reason}")
