"""A combination → its lock, or the conflict that keeps it from having one; found by uv, kept in the store."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.address import index_url, index_urls, shown_index
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.index.pages import audit
from tfjs_compat.index.settings import uv_variables
from tfjs_compat.locks.conflicts import explain, resolver_fault
from tfjs_compat.locks.doubts import LOG_FILTER, Doubts, doubts
from tfjs_compat.locks.lock import Lock, Unresolved, make_lock
from tfjs_compat.matrix.axes import RESOLVED, TODAY, Combination
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import is_fresh, write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.text import shown_address

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
        kept = _KEPT.read(path)
        for_good = _is_over(request.as_of, kept.resolved_on)
        if not for_good and not is_fresh(path, TODAY_SECONDS):
            return None
        answer = kept.answer()
    except OSError:
        return None
    if for_good:
        # Garbage is what was not used for long. Of an answer of today the time is its age. A store may be read-only.
        with contextlib.suppress(OSError):
            os.utime(path)
    return answer


def resolve(request: ResolveRequest, context: Context, *, fresh: bool = False) -> Lock | Unresolved:
    """Resolve a request with uv, or take the answer that is kept (not with ``fresh``).

    An answer for a day that is over is kept for good, any other for ``TODAY_SECONDS``; one that rests on a package that
    the index denies is not kept. Raises MachineryError when the index cannot be reached, answers in bad form, denies
    what it had, or gives no upload times where a date is requested; Interrupted.
    """
    if not fresh and (kept := kept_lock(request, context.store)) is not None:
        return kept
    answer, denied = _believed(request, context, distrusted=_is_forgotten(request, context.store))
    if denied:
        _check_denied(denied, context.store)
        return answer if isinstance(answer, Lock) else _with_denied(answer, denied)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    kept_form = _Kept(
        lock=answer if isinstance(answer, Lock) else None,
        unresolved=answer if isinstance(answer, Unresolved) else None,
        resolved_on=today,
        indexes=_shown_indexes(),
    )
    write_whole(_kept(request, context.store), msgspec.json.encode(kept_form))
    return answer


def _check_denied(denied: Sequence[str], store: Store) -> None:
    """Raises MachineryError where the index denies a package that a lock of it has: a firewall answers 404, too."""
    indexes = _shown_indexes()
    for path in store.folder("resolved").glob("*.json"):
        with contextlib.suppress(OSError):
            kept = _KEPT.read(path)
            if kept.lock is None or kept.indexes != indexes:
                continue
            if had := next((name for name in denied if name in kept.lock.packages), None):
                raise MachineryError(
                    f"the package index {shown_index()} says that it has no package {had} (404 Not Found), and it had "
                    f"{had} {kept.lock.packages[had]} before (lock {kept.lock.id})"
                )


def _with_denied(answer: Unresolved, denied: Sequence[str]) -> Unresolved:
    """The same conflict, which says what the index denied: only whoever runs the index knows whether that is so."""
    says = f"The package index {shown_index()} says that it has no package {', '.join(denied)} (404 Not Found)."
    return msgspec.structs.replace(
        answer,
        message=f"{answer.message} {says}",
        packages=tuple(sorted({*answer.packages, *denied})),
        text=f"{answer.text}\n{says}",
    )


def _shown_indexes() -> tuple[str, ...]:
    return tuple(shown_address(index) for index in index_urls())


def forget(lock_id: str, store: Store) -> None:
    """Keep a lock no longer: the index sends other files than those that it pins, so that it may rest on a fault.

    The next one is resolved without uv's cache, which has the same page. Raises MachineryError.
    """
    for path in store.folder("resolved").glob("*.json"):
        with contextlib.suppress(OSError):
            kept = _KEPT.read(path).lock
            if kept is not None and kept.id == lock_id:
                write_whole(path, msgspec.json.encode(_Kept()))


def _is_forgotten(request: ResolveRequest, store: Store) -> bool:
    try:
        return _KEPT.read(_kept(request, store)) == _Kept()
    except OSError:
        return False


class _Kept(msgspec.Struct, frozen=True):
    """``resolved_on`` is the UTC date of the answer, ``indexes`` are the addresses that were asked (no credentials in
    them); both are empty in files of versions that did not note them.

    Without an answer it says that there was one which is not to be believed.
    """

    lock: Lock | None = None
    unresolved: Unresolved | None = None
    resolved_on: str = ""
    indexes: tuple[str, ...] = ()

    def answer(self) -> Lock | Unresolved | None:
        return self.lock or self.unresolved


_KEPT = Reader[_Kept](_Kept)


def _kept(request: ResolveRequest, store: Store) -> Path:
    # Where the interpreter is decides nothing, so it is no part of the key.
    decides = {**msgspec.structs.asdict(request), "python": request.python.build}
    indexes, links = index_urls(), uv_variables().get("UV_FIND_LINKS")
    # An index alone, which is usual, is written as it always was.
    place: object = index_url() if len(indexes) == 1 and not links else [indexes, links]
    key = hashlib.sha256(msgspec.json.encode([decides, place])).hexdigest()[:24]
    return store.folder("resolved") / f"{key}.json"


def _is_over(as_of: str, resolved_on: str) -> bool:
    """Whether an answer is that of a day that was over when it was given: packages still come on the day itself."""
    return as_of != TODAY and (not resolved_on or as_of < resolved_on)


_MOST_TRIES = 4


def _believed(
    request: ResolveRequest, context: Context, *, distrusted: bool
) -> tuple[Lock | Unresolved, tuple[str, ...]]:
    """What uv answers, once the index has shown in good form what the answer rests on; and the packages that it denied.

    ``distrusted``: nothing that uv keeps of the index counts.

    A login page in place of a package's, or half a wheel, is to uv a package without versions or a broken one: it takes
    another version, or finds no solution. So the pages and files that it could make nothing of are read again, and it
    has to give the same answer once more, without its cache.
    """
    answer, found = _resolve_with_uv(request, context, ["--refresh"] if distrusted else [])
    for _ in range(_MOST_TRIES):
        if isinstance(answer, Lock) and found == Doubts():
            return answer, ()
        seen = found
        denied = audit(seen.packages, seen.files, context.stop)
        again, found = _resolve_with_uv(
            request, context, [part for package in seen.packages for part in ("--refresh-package", package)]
        )
        if _same(again, answer) and found.within(seen):
            return again, denied
        answer = again
    raise MachineryError("the package index gives another answer each time")


def _same(answer: Lock | Unresolved, other: Lock | Unresolved) -> bool:
    if isinstance(answer, Lock) and isinstance(other, Lock):
        return answer.id == other.id
    return isinstance(answer, Unresolved) and isinstance(other, Unresolved)


def _resolve_with_uv(
    request: ResolveRequest, context: Context, options: Sequence[str]
) -> tuple[Lock | Unresolved, Doubts]:
    """One call of uv with further options: what it answers, and what is to be doubted in it."""
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
    arguments += options
    said, pins = uv.call(
        arguments,
        context,
        inputs=inputs,
        result="lock.txt",
        variables={"RUST_LOG": LOG_FILTER},
        builds=request.source_builds,
    )
    if "missing an upload date" in uv.unwrapped(said.text):
        raise MachineryError(
            f"the package index gives no upload times, so nothing can be resolved as of {request.as_of}"
        )
    if said.ok and pins:
        lock = make_lock(pins, request.python.build, source_builds=request.source_builds, stand_ins=request.stand_ins)
        return lock, doubts(said.trail)
    if (fault := resolver_fault(said.text)) is not None:
        raise MachineryError(fault)
    if "No solution found" in said.text or "Failed to build" in said.text:
        return explain(said.text, request.requirements), doubts(said.trail, said.text)
    raise MachineryError(f"uv could not resolve: {uv.complaint(said.text)}")


def _lines(requirements: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in requirements)
