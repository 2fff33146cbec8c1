"""A combination → its lock, or the conflict that keeps it from having one; found by uv, kept in the store."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.address import index_url
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.locks.conflicts import explain, resolver_fault
from tfjs_compat.locks.lock import Lock, Unresolved, make_lock
from tfjs_compat.matrix.axes import RESOLVED, TODAY, Combination
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store

TODAY_SECONDS = 3600.0
"""How long a lock resolved without a date is taken for today's."""


class ResolveRequest(msgspec.Struct, frozen=True):
    """Everything of a combination that decides its lock, and nothing else of it.

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


def request_of(combination: Combination, found: Sequence[Interpreter], *, source_builds: bool) -> ResolveRequest:
    """What has to be resolved for a combination, with the interpreter that its ``python`` means among ``found``.

    Raises as ``choose`` does.
    """
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
        python=choose(combination.python, found),
    )


def kept_lock(request: ResolveRequest, store: Store) -> Lock | Unresolved | None:
    """The answer that an earlier run got to the same request, if it still holds."""
    path = _kept(request, store)
    try:
        if request.as_of == TODAY and time.time() - path.stat().st_mtime > TODAY_SECONDS:
            return None
        answer = _KEPT.decode(path.read_bytes()).answer()
    except (OSError, msgspec.DecodeError):
        return None
    if request.as_of != TODAY:
        # Garbage is what was not used for long. Of an answer of today the time is its age. A store may be read-only.
        with contextlib.suppress(OSError):
            os.utime(path)
    return answer


def resolve(request: ResolveRequest, context: Context, *, fresh: bool = False) -> Lock | Unresolved:
    """Resolve a request with uv, or take the answer that is kept (not with ``fresh``).

    A dated answer is kept for good, one of today for ``TODAY_SECONDS``. Raises MachineryError when the index cannot
    be reached, or gives no upload times where a date is requested; Interrupted.
    """
    if not fresh and (kept := kept_lock(request, context.store)) is not None:
        return kept
    answer = _resolve_with_uv(request, context)
    kept_form = _Kept(lock=answer) if isinstance(answer, Lock) else _Kept(unresolved=answer)
    write_whole(_kept(request, context.store), msgspec.json.encode(kept_form))
    return answer


class _Kept(msgspec.Struct, frozen=True):
    lock: Lock | None = None
    unresolved: Unresolved | None = None

    def answer(self) -> Lock | Unresolved | None:
        return self.lock or self.unresolved


_KEPT = Reader[_Kept](_Kept)


def _kept(request: ResolveRequest, store: Store) -> Path:
    # Where the interpreter is decides nothing, so it is no part of the key.
    decides = {**msgspec.structs.asdict(request), "python": request.python.build}
    key = hashlib.sha256(msgspec.json.encode([decides, index_url()])).hexdigest()[:24]
    return store.folder("resolved") / f"{key}.json"


def _resolve_with_uv(request: ResolveRequest, context: Context) -> Lock | Unresolved:
    arguments = ["pip", "compile", "requirements.in", "--output-file", "lock.txt", "--no-header", "--no-annotate"]
    arguments += ["--generate-hashes", "--python", request.python.executable]
    inputs = {"requirements.in": _lines(request.requirements)}
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
    said, pins = uv.call(arguments, context, inputs=inputs, result="lock.txt")
    if "missing an upload date" in uv.unwrapped(said.text):
        raise MachineryError(
            f"the package index gives no upload times, so nothing can be resolved as of {request.as_of}"
        )
    if said.ok and pins:
        return make_lock(pins, request.python.build, source_builds=request.source_builds, stand_ins=request.stand_ins)
    if (fault := resolver_fault(said.text)) is not None:
        raise MachineryError(fault)
    if "No solution found" in said.text or "Failed to build" in said.text:
        return explain(said.text, request.requirements)
    raise MachineryError(f"uv could not resolve: {said.text.strip()[-600:] or 'it said nothing'}")


def _lines(requirements: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in requirements)
