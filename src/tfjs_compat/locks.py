"""Combination → lock: the exact, hashed distributions it resolves to, or why there are none."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from pathlib import Path

import msgspec

from tfjs_compat import uv
from tfjs_compat.cases import RESOLVED, TODAY, Combination
from tfjs_compat.errors import MachineryError
from tfjs_compat.index import index_url, without_credentials
from tfjs_compat.interpreters import Interpreter
from tfjs_compat.store import Store, write_whole

TODAY_SECONDS = 3600.0
"""How long a lock resolved without a date is taken for today's."""

_REPORTED = (
    *("tensorflow", "tensorflowjs", "keras", "tf-keras", "numpy", "protobuf", "setuptools", "h5py"),
    *("tensorflow-decision-forests", "tensorflow-hub", "ydf", "jax"),
)


class Request(msgspec.Struct, frozen=True):
    """What a resolver is asked: all of a combination that decides its lock, and nothing else of it.

    ``preferences`` are pins that are kept where they can be.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    overrides: tuple[str, ...]
    stand_ins: tuple[str, ...]
    as_of: str
    source_builds: bool
    python: Interpreter
    preferences: tuple[str, ...] = ()


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


def request_of(combination: Combination, python: Interpreter, *, source_builds: bool) -> Request:
    """What has to be resolved for a combination."""
    pins = [f"tensorflow=={combination.tensorflow}", f"tensorflowjs=={combination.tensorflowjs}"]
    if combination.keras != RESOLVED:
        pins.append(f"keras=={combination.keras}")
    return Request(
        requirements=(*pins, *combination.extra),
        constraints=combination.constraints,
        # A marker that never holds takes a package out of every dependency list.
        overrides=(*combination.overrides, *(f"{name}; python_version < '3'" for name in combination.stand_ins)),
        stand_ins=combination.stand_ins,
        as_of=combination.as_of,
        source_builds=source_builds,
        python=python,
    )


def kept_lock(request: Request, store: Store) -> Lock | Unresolved | None:
    """The answer that an earlier run got to the same request, if it still holds."""
    path = _kept(request, store)
    try:
        if request.as_of == TODAY and time.time() - path.stat().st_mtime > TODAY_SECONDS:
            return None
        return msgspec.json.decode(path.read_bytes(), type=_Kept).answer()
    except (OSError, msgspec.DecodeError):
        return None


def resolve(
    request: Request, store: Store, *, stop: threading.Event | None = None, fresh: bool = False
) -> Lock | Unresolved:
    """Resolve a request with uv, or take the answer that is kept (not with ``fresh``).

    A dated answer is kept for good, one of today for ``TODAY_SECONDS``. Raises MachineryError when the index cannot
    be reached, or gives no upload times where a date is asked for; Interrupted.
    """
    if not fresh and (kept := kept_lock(request, store)) is not None:
        return kept
    answer = _ask_uv(request, store, stop)
    kept_form = _Kept(lock=answer) if isinstance(answer, Lock) else _Kept(unresolved=answer)
    write_whole(_kept(request, store), msgspec.json.encode(kept_form))
    return answer


class _Kept(msgspec.Struct, frozen=True):
    lock: Lock | None = None
    unresolved: Unresolved | None = None

    def answer(self) -> Lock | Unresolved | None:
        return self.lock or self.unresolved


def _kept(request: Request, store: Store) -> Path:
    key = hashlib.sha256(msgspec.json.encode([request, index_url()])).hexdigest()[:24]
    return store.folder("resolved") / f"{key}.json"


def _ask_uv(request: Request, store: Store, stop: threading.Event | None) -> Lock | Unresolved:
    arguments = ["pip", "compile", "asked.in", "--output-file", "lock.txt", "--no-header", "--no-annotate"]
    arguments += ["--generate-hashes", "--python", request.python.executable]
    inputs = {"asked.in": _lines(request.requirements)}
    for option in ("constraints", "overrides"):
        if lines := getattr(request, option):
            inputs[f"{option}.txt"] = _lines(lines)
            arguments += [f"--{option}", f"{option}.txt"]
    if request.preferences:
        # uv keeps to what an output file holds already, as far as that goes.
        inputs["lock.txt"] = _lines(request.preferences)
    if not request.source_builds:
        arguments.append("--no-build")
    if request.as_of != TODAY:
        # Not quiet: a warning is all that tells an index without upload times from one without the release.
        arguments += ["--exclude-newer", f"{request.as_of}T23:59:59Z"]
    else:
        arguments.append("--quiet")
    said, pins = uv.call(arguments, store, inputs=inputs, result="lock.txt", stop=stop)
    if "missing an upload date" in said.text:
        raise MachineryError(
            f"the package index gives no upload times, so nothing can be resolved as of {request.as_of}"
        )
    if said.ok and pins:
        return make_lock(pins, request.python, source_builds=request.source_builds, stand_ins=request.stand_ins)
    if (fault := _fault(said.text)) is not None:
        raise MachineryError(fault)
    if "No solution found" in said.text or "Failed to build" in said.text:
        return explain(said.text, request.requirements)
    raise MachineryError(f"uv could not resolve: {said.text.strip()[-600:] or 'it said nothing'}")


_REFUSED = re.compile(
    r"could not be queried due to a lack of valid authentication[^\n]*|returned a 403 Forbidden error"
)
_ABSENT = re.compile(r"\b(tensorflow|tensorflowjs) was not found in the package registry")


def _fault(text: str) -> str | None:
    """What in a resolver's words is no fact about packages. It finds no solution either where an index refuses it."""
    if "No solution found" not in text:
        return uv.machinery_fault(text)
    if "network was disabled" in text:
        return "the network is disabled (UV_OFFLINE), so packages could not be looked up"
    shown = without_credentials(index_url())
    if refused := _REFUSED.search(text):
        return f"the package index {shown} {refused[0]}"
    if absent := _ABSENT.search(text):
        return f"the package index {shown} has no package {absent[1]}"
    return None


def _lines(requirements: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in requirements)


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


_STEP = re.compile(r"(?:\A|\n)\s*(?=(?:And because|Because) )|(?<=\. )(?=(?:And because|Because) )")
_PACKAGE = re.compile(r"\b([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*)(?:==|>=|<=|~=|!=|<|>)")
_TELLING_HINTS = ("ABI tag", "platforms", "filtered by `exclude-newer`")


def explain(text: str, requirements: tuple[str, ...] = ()) -> Unresolved:
    """A resolver's explanation shortened to the packages that matter: its last two steps and its hints.

    >>> explain("No solution found when resolving dependencies\\n cause: Because a==1 depends on b<2 and you require "
    ...         "a==1, we can conclude that b<2. And because you require b==3, your requirements are unsatisfiable."
    ...         ).packages
    ('a', 'b')
    """
    cause = text[text.find("Because ") :] if "Because " in text else text
    cause, *hints = re.split(r"\n\s*hint: ", cause)
    steps = [" ".join(step.split()) for step in _STEP.split(cause) if step.strip()]
    short = re.sub(r"\AAnd because ", "Because ", " ".join(steps[-2:]))
    hints = [" ".join(hint.split()).partition(" Consider ")[0] for hint in hints]
    hint = next((one for one in hints if any(sign in one for sign in _TELLING_HINTS)), "")
    named = set(_PACKAGE.findall(short)) | {re.split(r"[=<>!~ ]", one)[0] for one in requirements if one in short}
    named |= set(re.findall(r"Failed to build `([a-z0-9-]+)", text)) | set(re.findall(r"\bversion of ([\w-]+)", short))
    named |= set(re.findall(r"([\w.-]+) was not found in the package registry", short))
    message = " ".join(filter(None, (_clip(short), hint)))
    return Unresolved(message, tuple(sorted(named)), text.strip())


def _clip(message: str, most: int = 900) -> str:
    return message if len(message) <= most else message[: most - 1].rstrip() + "…"
