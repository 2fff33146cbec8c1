"""A combination → its lock, or the conflict that keeps it from having one; asked of uv, kept in the store."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from pathlib import Path

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.address import index_url, without_credentials
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.conflicts import explain
from tfjs_compat.locks.lock import Lock, Unresolved, make_lock
from tfjs_compat.matrix.axes import RESOLVED, TODAY, Combination
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store

TODAY_SECONDS = 3600.0
"""How long a lock resolved without a date is taken for today's."""


class ResolveRequest(msgspec.Struct, frozen=True):
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


def request_of(combination: Combination, python: Interpreter, *, source_builds: bool) -> ResolveRequest:
    """What has to be resolved for a combination."""
    pins = [f"tensorflow=={combination.tensorflow}", f"tensorflowjs=={combination.tensorflowjs}"]
    if combination.keras != RESOLVED:
        pins.append(f"keras=={combination.keras}")
    return ResolveRequest(
        requirements=(*pins, *combination.extra),
        constraints=combination.constraints,
        # A marker that never holds takes a package out of every dependency list.
        overrides=(*combination.overrides, *(f"{name}; python_version < '3'" for name in combination.stand_ins)),
        stand_ins=combination.stand_ins,
        as_of=combination.as_of,
        source_builds=source_builds,
        python=python,
    )


def kept_lock(request: ResolveRequest, store: Store) -> Lock | Unresolved | None:
    """The answer that an earlier run got to the same request, if it still holds."""
    path = _kept(request, store)
    try:
        if request.as_of == TODAY and time.time() - path.stat().st_mtime > TODAY_SECONDS:
            return None
        return msgspec.json.decode(path.read_bytes(), type=_Kept).answer()
    except (OSError, msgspec.DecodeError):
        return None


def resolve(
    request: ResolveRequest, store: Store, *, stop: threading.Event | None = None, fresh: bool = False
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


def _kept(request: ResolveRequest, store: Store) -> Path:
    key = hashlib.sha256(msgspec.json.encode([request, index_url()])).hexdigest()[:24]
    return store.folder("resolved") / f"{key}.json"


def _ask_uv(request: ResolveRequest, store: Store, stop: threading.Event | None) -> Lock | Unresolved:
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
