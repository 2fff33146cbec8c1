"""What a child prints, drained in a thread into a bounded log."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tfjs_compat.system.files import disk_errors

_KEPT_HEAD = 4 << 20
_KEPT_TAIL = 1 << 20


class Output:
    """Drains a pipe in a thread: the head goes to the log at once, the tail is kept and written at the end."""

    def __init__(self, pipe: IO[bytes], sink: IO[bytes], on_line: Callable[[str], None] | None) -> None:
        self.total = 0
        self._fault: OSError | None = None
        self._last = time.monotonic()
        self._pipe, self._sink, self._on_line = pipe, sink, on_line
        self._moving = threading.Lock()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def silent_for(self) -> float:
        """Seconds since the last output."""
        return time.monotonic() - self._last

    def check(self) -> None:
        """Raise MachineryError where the log could not be written."""
        if self._fault is not None:
            with disk_errors(Path(self._sink.name)):
                raise self._fault

    def move_to(self, log: Path) -> None:
        """Write to another file from now on, with what was written so far; a fault of the old one is forgotten."""
        with self._moving:
            sink = log.open("wb")
            with contextlib.suppress(OSError), self._sink:
                sink.write(Path(self._sink.name).read_bytes())
                sink.flush()
            self._sink, self._fault = sink, None

    def _drain(self) -> None:
        line = b""
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._pipe.fileno(), 1 << 16):
                self._last = time.monotonic()
                with self._moving:
                    self._keep(chunk)
                if self._on_line is not None:
                    *whole, line = (line + chunk).split(b"\n")
                    line = line[-4096:]
                    for one in whole:
                        self._on_line(one[:4096].decode("utf-8", "replace"))

    def _keep(self, chunk: bytes) -> None:
        room = max(0, _KEPT_HEAD - self.total)
        self.total += len(chunk)
        if room and self._fault is None:
            try:
                self._sink.write(chunk[:room])
                self._sink.flush()
            except OSError as error:
                # Go on reading: a child that nobody reads from hangs.
                self._fault = error
        if rest := chunk[room:]:
            self._tail.append(rest)
            self._tail_bytes += len(rest)
            while self._tail_bytes - len(self._tail[0]) > _KEPT_TAIL:
                self._tail_bytes -= len(self._tail.popleft())

    def close(self) -> None:
        """Write the tail and close; call it when nothing is left that could write."""
        # Every process of the tree is dead: the pipe ends, unless one escaped that we may not kill.
        self._thread.join(5.0)
        left_out = self.total - _KEPT_HEAD - self._tail_bytes
        with contextlib.suppress(OSError), self._sink:
            if left_out > 0:
                self._sink.write(b"\n[... %d bytes of output left out ...]\n" % left_out)
            self._sink.writelines(self._tail)
        self._pipe.close()
