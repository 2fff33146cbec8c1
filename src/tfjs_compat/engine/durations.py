"""How long cases took on this machine. Only the order of work depends on it, never a result."""

from __future__ import annotations

import contextlib
import os
import statistics
import threading

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.cases import Case
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import open_regular, write_whole
from tfjs_compat.system.store import Store

DEFAULT_SECONDS = 2.0
"""Of a case of which nothing is known: most small models take about that."""

_LINE_BYTES = 400
"""More than a line takes, so that a shortened file is well below its limit."""


class _Line(msgspec.Struct, frozen=True, array_like=True):
    case: str
    model: str
    route: str
    seconds: float


_LINES = Reader[_Line](_Line)


class Durations:
    """The seconds that cases took last, in ``durations.jsonl`` of the store: a line for each that ended, newest last.

    It is read once, when this is made; what is recorded later is appended and not read again.
    """

    def __init__(self, store: Store, most_bytes: int = 1 << 20) -> None:
        """Of a file above ``most_bytes`` only the end is read; then it is shortened to the last line of each case."""
        self._path = store.root / "durations.jsonl"
        self._lock = threading.Lock()
        lines = self._read(most_bytes)
        self._by_case = {case: line.seconds for case, line in lines.items()}
        self._ranks = {case: rank for rank, case in enumerate(lines, 1)}
        similar: dict[tuple[str, str], list[float]] = {}
        for line in lines.values():
            similar.setdefault((line.model, line.route), []).append(line.seconds)
        self._by_model_and_route = {key: statistics.median(values) for key, values in similar.items()}

    def of(self, case: Case) -> float:
        """Seconds to expect: what this case took last, else the median of its model and route, else the default."""
        seconds = self._by_case.get(case.id)
        return seconds if seconds is not None else self._by_model_and_route.get(_similar(case), DEFAULT_SECONDS)

    def known_since(self, case: Case) -> int:
        """A rank of cases by when they ended last: 0 for one that is not known, then the one longest ago first."""
        return self._ranks.get(case.id, 0)

    def record(self, case: Case, seconds: float) -> None:
        """Append what a case took, to the millisecond. Raises nothing: the next run is only ordered worse."""
        # The newline first: it ends a line that a kill tore off.
        data = b"\n" + msgspec.json.encode(_Line(case.id, *_similar(case), round(seconds, 3)))
        with contextlib.suppress(OSError), self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One write at the end of the file: those of two runs do not mix.
            # Of a pipe in its place nobody reads: that is an error and no reason to wait.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(self._path, flags, 0o644)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)

    def _read(self, most_bytes: int) -> dict[str, _Line]:
        """The last line of each case."""
        try:
            with open_regular(self._path) as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - most_bytes))
                content = file.read(most_bytes)
        except OSError:
            return {}
        lines: dict[str, _Line] = {}
        # Where the beginning was left out, the first line is most likely a torn one, which does not decode.
        for text in content.splitlines():
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                line = _LINES.decode(text)
                if 0 <= line.seconds < 1e6:
                    # Moved to the end, so that the newest are last.
                    lines.pop(line.case, None)
                    lines[line.case] = line
        if size > most_bytes:
            newest = list(lines.values())[-most_bytes // _LINE_BYTES :]
            with contextlib.suppress(MachineryError):
                write_whole(self._path, b"".join(b"\n" + msgspec.json.encode(line) for line in newest))
        return lines


def _similar(case: Case) -> tuple[str, str]:
    """Model and route: cases that share them take about the same time."""
    return case.model.ref, case.route.name
