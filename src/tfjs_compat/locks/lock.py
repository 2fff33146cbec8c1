"""A lock: the exact pinned, hashed distributions that a combination resolves to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.locks.reading import Pin, read_lock_file, read_lock_text, read_requirements, versions

_REPORTED = (
    *("tensorflow", "tensorflowjs", "keras", "tf-keras", "numpy", "protobuf", "setuptools", "h5py"),
    *("tensorflow-decision-forests", "tensorflow-hub", "ydf", "jax"),
)
_DIGITS = {"md5": 32, "sha256": 64, "sha384": 96, "sha512": 128}
_WHEELS_ONLY = "--only-binary :all:\n"


class Lock(msgspec.Struct, frozen=True):
    """What a request resolves to: ``packages`` name → version, and a requirements file that pip and uv install.

    ``id`` is a hash of the file's content and of ``python``. ``stand_ins`` are left out of it: an environment gets an
    empty module for each.
    """

    id: str
    python: PythonBuild
    packages: dict[str, str]
    source_builds: bool
    text: str
    stand_ins: tuple[str, ...] = ()

    def resolved(self) -> dict[str, str]:
        """The versions that decide what a conversion does, Python's among them."""
        reported = {name: self.packages[name] for name in _REPORTED if name in self.packages}
        return {"python": self.python.version, **reported}

    def pins(self) -> tuple[Pin, ...]:
        """Its distributions with their hashes, in the order of the file."""
        return read_requirements(self.text)


class Unresolved(msgspec.Struct, frozen=True):
    """Why a request has no lock: a short ``message``, the ``packages`` in the conflict, the resolver's whole text."""

    message: str
    packages: tuple[str, ...]
    text: str


def make_lock(pins: str, python: PythonBuild, *, source_builds: bool, stand_ins: tuple[str, ...] = ()) -> Lock:
    """A lock out of the pins and hashes that uv wrote."""
    build = PythonBuild(python.version, python.platform)
    body = pins.strip() + "\n"
    policy = "" if source_builds else _WHEELS_ONLY
    left_out = ", ".join(stand_ins)
    absent = f"# without {left_out}: an empty module stands in; install with --no-deps\n" if stand_ins else ""
    short = hashlib.sha256(f"{build.tag}\n{policy}{absent}{body}".encode()).hexdigest()[:16]
    head = f"# lock {short} for {build.tag}; " + ("source builds allowed" if source_builds else "wheels only") + "\n"
    packages = versions(read_requirements(body))
    return Lock(short, build, packages, source_builds, head + absent + policy + body, stand_ins)


def bound_to(lock: Lock, python: PythonBuild) -> Lock:
    """The same distributions for another Python: another machine has another patch of it, and so another lock id."""
    if lock.python == PythonBuild(python.version, python.platform):
        return lock
    lines = "".join(pin.lines for pin in lock.pins())
    return make_lock(lines, python, source_builds=lock.source_builds, stand_ins=lock.stand_ins)


def read_lock(text: str) -> Lock:
    """The lock that a file ``OUTPUT/locks/ID.txt`` holds.

    Raises RequestError where the text is no such file, or was changed since it was written.
    """
    head = re.match(r"# lock ([0-9a-f]{16}) for (\S+); (source builds allowed|wheels only)\n", text)
    if head is None:
        raise RequestError("not a lock of tfjs-compat: the first line is not '# lock ID for PYTHON; POLICY'")
    try:
        python = PythonBuild.of_tag(head[2])
    except ValueError as error:
        raise RequestError(f"not a lock of tfjs-compat: {error}") from None
    rest = text[head.end() :]
    absent = re.match(r"# without (.+): an empty module stands in; .*\n", rest)
    rest = rest[absent.end() :] if absent else rest
    body = rest.removeprefix(_WHEELS_ONLY)
    source_builds = body == rest
    stand_ins = tuple(absent[1].split(", ")) if absent else ()
    lock = make_lock(body, python, source_builds=source_builds, stand_ins=stand_ins)
    if lock.text != text:
        raise RequestError(f"lock {head[1]} was changed since it was written")
    return lock


def read_any_lock(path: Path, python: PythonBuild | None) -> Lock:
    """The lock in a file: one of tfjs-compat, a requirements file with hashes, a pylock.toml.

    ``python`` is what one that does not name its own is for: of a lock for several environments its part counts.
    Raises RequestError where it cannot be read, pins something without a hash, or names no Python and none is given.
    """
    pins = read_lock_file(path, python)
    if path.suffix != ".toml" and (text := read_lock_text(path)).startswith("# lock "):
        try:
            return read_lock(text)
        except RequestError as error:
            raise RequestError(f"{path}: {error}") from None
    if bare := [pin.name for pin in pins if not pin.hashes]:
        hint = "`uv pip compile --generate-hashes` writes a file with hashes"
        raise RequestError(f"{path}: {bare[0]} is pinned without a hash\nhint: {hint}")
    for pin in pins:
        if odd := [each for each in pin.hashes if not _is_hash(each)]:
            raise RequestError(f"{path}: {pin.name}: '{odd[0]}' is no hash such as 'sha256:…'")
    if python is None:
        raise RequestError(f"{path}: it does not say for which Python it is\nhint: give --python, such as 3.11")
    lines = "".join(f"{pin.name}=={pin.version}" + "".join(f" --hash={h}" for h in pin.hashes) + "\n" for pin in pins)
    return make_lock(lines, python, source_builds=False)


def _is_hash(text: str) -> bool:
    algorithm, _, digest = text.partition(":")
    return len(digest) == _DIGITS.get(algorithm, len(digest)) and re.fullmatch("[0-9a-fA-F]+", digest) is not None
