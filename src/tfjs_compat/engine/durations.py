"""How long cases took on this machine. Only the order of work depends on it, never a result."""

from __future__ import annotations

import contextlib
import os
import statistics
import threading

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.cases import Case
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store

DEFAULT_SECONDS = 2.0
"""Of a case of which nothing is known: most small models take about that."""

_MOST_BYTES = 1 << 20


class _Line(msgspec.Struct, frozen=True, array_like=True):
    case: str
    model: str
    route: str
    seconds: float


class Durations:
    """What the store remembers, read once; what is recorded goes to the file at once and is not read again."""

    def __init__(self, store: Store) -> None:
        self._path = store.root / "durations.jsonl"
        self._lock = threading.Lock()
        self._exact: dict[str, float] = {}
        alike: dict[tuple[str, str], list[float]] = {}
        lines = self._read()
        for line in lines:
            self._exact[line.case] = line.seconds
        for line in {one.case: one for one in lines}.values():
            alike.setdefault((line.model, line.route), []).append(line.seconds)
        self._alike = {key: statistics.median(values) for key, values in alike.items()}

    def of(self, case: Case) -> float:
        """Seconds to expect: what this case took last, else the median of its model and route, else the default."""
        exact = self._exact.get(case.id)
        return exact if exact is not None else self._alike.get((case.model.ref, case.route.name), DEFAULT_SECONDS)

    def record(self, case: Case, seconds: float) -> None:
        """Remember what a case took. That it cannot be written down harms nothing."""
        # The newline first: it ends a line that a kill tore off.
        data = b"\n" + msgspec.json.encode(_Line(case.id, case.model.ref, case.route.name, round(seconds, 3)))
        with contextlib.suppress(OSError), self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One write at the end of the file: those of two runs do not mix.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)

    def _read(self) -> list[_Line]:
        try:
            content = self._path.read_bytes()
        except OSError:
            return []
        found = []
        for line in content.splitlines():
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                one = msgspec.json.decode(line, type=_Line)
                if 0 <= one.seconds < 1e6:
                    found.append(one)
        if len(content) > _MOST_BYTES:
            found = list({one.case: one for one in found}.values())[-_MOST_BYTES // 400 :]
            with contextlib.suppress(MachineryError):
                write_whole(self._path, b"".join(b"\n" + msgspec.json.encode(one) for one in found))
        return found
