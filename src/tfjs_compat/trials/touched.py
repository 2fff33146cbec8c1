"""What a model's code opened: its state after the case, and whether it is the same now."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage

_MOST_HASHED = 64 << 20
"""Bytes. Of a larger file size and times stand for the content: reading it takes longer than many cases do."""

_MOST_PATHS = 5000


def with_opened(outcome: Outcome, case: Case, events: Sequence[Mapping[str, Any]], started: float) -> Outcome:
    """The outcome with what its record says that the model's code opened. ``started``: when the case began (epoch).

    It cannot be repeated where that is not known: of a builder that left no word on it, or of a file that was written
    meanwhile.
    """
    said = [event for event in events if event.get("event") in ("opened", "opened-at-import")]
    if case.model.kind is Kind.BUILDER and outcome.stage.rank >= Stage.BUILD.rank and not _is_whole(said):
        return replace(outcome, unrepeatable="it did not say what it opened")
    paths, why = opened_paths(said), next((event["unknown"] for event in said if event.get("unknown")), None)
    if len(paths) > _MOST_PATHS:
        paths, why = [], f"it opens more than {_MOST_PATHS} files"
    if why is None and (changed := next((path for path in paths if _was_written(path, started)), None)) is not None:
        why = f"{changed} was written while it ran"
    if why is not None:
        return replace(outcome, unrepeatable=str(why)[:300])
    place = place_of(case.model)
    states = states_of(paths).items()
    return replace(outcome, opened=tuple((_named(path, place), state) for path, state in states), place=place)


def opened_paths(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """The files and folders that the events of a record say were opened, once each."""
    said = [event.get("paths") for event in events if event.get("event") in ("opened", "opened-at-import")]
    paths = [path for named in said if isinstance(named, list) for path in named]
    return list(dict.fromkeys(path for path in paths if isinstance(path, str)))


def states_of(paths: Iterable[str]) -> dict[str, str]:
    """The state of each path, as ``state_of`` says it."""
    return {path: state_of(path) for path in paths}


def _is_whole(said: Sequence[Mapping[str, Any]]) -> bool:
    return any(event.get("event") == "opened" and isinstance(event.get("paths"), list) for event in said)


def _was_written(path: str, since: float) -> bool:
    """Whether a file was written after a time. The folder that a case makes its own in is not."""
    try:
        found = os.stat(path)  # noqa: PTH116 (any text: a Path of it may not be)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_mtime > since


def place_of(model: Model) -> str:
    """The folder of a builder, which its files are relative to; empty for a model that is copied to where it runs."""
    return model.search[0] if model.kind is Kind.BUILDER else ""


def _named(path: str, place: str) -> str:
    """The path as it is kept: below the builder's folder relative to that, so that it is found where a copy lies."""
    below = place and (path == place or path.startswith(place.rstrip(os.sep) + os.sep))
    return f".{os.sep}{os.path.relpath(path, place)}" if below else path


def changed_path(outcome: Outcome, place: str) -> str | None:
    """The first of the files and folders that an outcome rests on that is not as it was; None where all are.

    ``place`` is where the builder is now: what it opens beside itself is looked up there.
    """
    return next((path for path, state in _found_in(outcome, place) if state_of(path) != state), None)


def is_of_another_place(outcome: Outcome, place: str, ours: Path) -> bool:
    """Whether an outcome rests on files beyond the builder's folder while the builder lay elsewhere: the same code may
    open others from here. What is below ``ours``, the store, is the same for every model.
    """
    beyond = (path for path, _ in outcome.opened if not path.startswith(f".{os.sep}"))
    return outcome.place != place and any(not path.startswith(f"{ours}{os.sep}") for path in beyond)


def _found_in(outcome: Outcome, place: str) -> Iterator[tuple[str, str]]:
    for path, state in outcome.opened:
        yield os.path.normpath(f"{place}{os.sep}{path}") if path.startswith(f".{os.sep}") else path, state


def state_of(path: str) -> str:
    """What of a path decides what is read there: a text that changes with it. Follows links; waits for nobody."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        return f"none: {getattr(error, 'errno', None)}"
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            return f"folder: {_digest(repr(sorted(os.listdir(path))).encode('utf-8', 'replace'))}"  # noqa: PTH208
        if not stat.S_ISREG(found.st_mode):
            return f"other: {found.st_mode}"
        if found.st_size > _MOST_HASHED:
            return f"file: {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return f"file: {_digest(file.read())}"
    except OSError as error:
        return f"none: {error.errno}"
    finally:
        os.close(descriptor)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
