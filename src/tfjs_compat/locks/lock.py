"""A lock: the exact pinned, hashed distributions that a combination resolves to."""

from __future__ import annotations

import hashlib
import re

import msgspec

from tfjs_compat.index.interpreters import Interpreter

_REPORTED = (
    *("tensorflow", "tensorflowjs", "keras", "tf-keras", "numpy", "protobuf", "setuptools", "h5py"),
    *("tensorflow-decision-forests", "tensorflow-hub", "ydf", "jax"),
)


class Lock(msgspec.Struct, frozen=True):
    """What a request resolves to: ``packages`` name → version, and a requirements file that pip and uv install.

    ``stand_ins`` are left out of it: an environment gets an empty module for each.
    """

    id: str
    python: str
    packages: dict[str, str]
    source_builds: bool
    text: str
    stand_ins: tuple[str, ...] = ()

    def resolved(self) -> dict[str, str]:
        """The versions that decide what a conversion does, Python's among them."""
        python = self.python.split("-")[1]
        return {"python": python, **{name: self.packages[name] for name in _REPORTED if name in self.packages}}


class Unresolved(msgspec.Struct, frozen=True):
    """Why a request has no lock: a short ``message``, the ``packages`` in the conflict, the resolver's whole text."""

    message: str
    packages: tuple[str, ...]
    text: str


def make_lock(pins: str, python: Interpreter, *, source_builds: bool, stand_ins: tuple[str, ...] = ()) -> Lock:
    """A lock out of the pins and hashes that uv wrote."""
    body = pins.strip() + "\n"
    packages = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", body, re.MULTILINE))
    policy = "" if source_builds else "--only-binary :all:\n"
    left_out = ", ".join(stand_ins)
    absent = f"# without {left_out}: an empty module stands in; install with --no-deps\n" if stand_ins else ""
    told = f"{python.tag}\n{policy}{absent}{body}"
    short = hashlib.sha256(told.encode()).hexdigest()[:16]
    head = f"# lock {short} for {python.tag}; " + ("source builds allowed" if source_builds else "wheels only") + "\n"
    return Lock(short, python.tag, packages, source_builds, head + absent + policy + body, stand_ins)
