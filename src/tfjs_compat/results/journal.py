"""OUTPUT/results.jsonl: one line for each trial that ended, written by the coordinator as it ends.

A line is there whole or not at all: it is appended in one write, and a line that a kill tore off is cut away before the
next is appended. Of several lines of a case the last counts.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, read_regular, write_whole

JOURNAL = "results.jsonl"


class Line(msgspec.Struct, frozen=True):
    """A trial that ended: ``at`` seconds after the run began whose name is ``run``."""

    trial: str
    at: float
    result: CaseResult
    run: str = ""


_LINES = Reader[Line](Line)
_ENCODER = msgspec.json.Encoder()


class Journal:
    """The journal of an output folder, for the one run that holds the folder."""

    def __init__(self, output: Path) -> None:
        """Raises MachineryError where the folder cannot be written to."""
        self._path = output / JOURNAL
        self._lock = threading.Lock()
        with disk_errors(self._path):
            output.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            os.ftruncate(self._descriptor, _whole_bytes(self._descriptor))

    def append(self, result: CaseResult, at: float, run: str) -> None:
        """Add a trial that ended ``at`` seconds after the run began.

        Raises MachineryError on a full disk; the journal is then as it was.
        """
        line = _ENCODER.encode(Line(result.trial, round(at, 3), result, run)) + b"\n"
        with self._lock, disk_errors(self._path):
            before = os.fstat(self._descriptor).st_size
            try:
                written = os.write(self._descriptor, line)
            except OSError:
                os.ftruncate(self._descriptor, before)
                raise
            if written != len(line):
                os.ftruncate(self._descriptor, before)
                raise OSError(28, "No space left on device", str(self._path))

    def close(self) -> None:
        """Flush it to the disk (fsync) and close it. Raises MachineryError."""
        with disk_errors(self._path):
            os.fsync(self._descriptor)
        os.close(self._descriptor)


def _whole_bytes(descriptor: int) -> int:
    """The length of the journal without a last line that was torn off."""
    size = os.fstat(descriptor).st_size
    end, block = size, 1 << 16
    while end > 0:
        start = max(0, end - block)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def compact(output: Path) -> None:
    """Shorten the journal of a run that has ended to the last line of each case, in the order in which they ended.

    Damaged lines stay as they are, so that whoever reads it still counts them. Nobody may append meanwhile. Raises
    MachineryError.
    """
    path = output / JOURNAL
    with disk_errors(path):
        lines = read_regular(path).split(b"\n")[:-1] if path.exists() else []
    last: dict[str, int] = {}
    damaged = []
    for number, raw in enumerate(lines):
        if (line := _decoded(raw)) is None:
            damaged.append(number)
        else:
            last[line.result.id] = number
    if len(damaged) + len(last) < len(lines):
        write_whole(path, b"".join(lines[number] + b"\n" for number in sorted((*damaged, *last.values()))))


class JournalContent(NamedTuple):
    """What a journal holds: the last line of each case, by the case's id, in the order in which they ended last; and
    how many lines are damaged."""

    lines: dict[str, Line]
    damaged: int


def read_lines(output: Path) -> tuple[Line, ...]:
    """Every whole line of the journal, in order, also of trials that were run several times; damaged ones are left out.

    Raises RequestError for what cannot be read.
    """
    path, lines = output / JOURNAL, list[Line]()
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None
    for raw in content.split(b"\n")[:-1]:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            lines.append(_LINES.decode(raw))
    return tuple(lines)


def read_journal(output: Path) -> JournalContent:
    """What the journal of an output folder holds; nothing where there is none. A last line that was torn off is none.

    Raises RequestError for what cannot be read.
    """
    path = output / JOURNAL
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return JournalContent({}, 0)
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None
    found: dict[str, Line] = {}
    damaged = 0
    for raw in content.split(b"\n")[:-1]:
        if (line := _decoded(raw)) is None:
            damaged += 1
            continue
        found.pop(line.result.id, None)
        found[line.result.id] = line
    return JournalContent(found, damaged)


def _decoded(raw: bytes) -> Line | None:
    """The line that the bytes hold; None for a damaged one."""
    try:
        return _LINES.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
