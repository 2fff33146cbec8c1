"""What a child prints, drained in a thread into a bounded log."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tfjs_compat.system.files import disk_errors

_KEPT_HEAD = 4 << 20
_KEPT_TAIL = 1 << 20
_LONGEST_LINE = 4096


class Output:
    """Drains a pipe in a thread: the head goes to the log at once, the tail is kept and written at the end."""

    def __init__(self, pipe: IO[bytes], sink: IO[bytes], on_line: Callable[[str], None] | None) -> None:
        """``sink`` is open for writing and reading. ``on_line`` gets the first 4096 bytes of each line, decoded."""
        self.total = 0
        self._log_error: OSError | None = None
        self._line_error: Exception | None = None
        self._pipe, self._sink, self._on_line = pipe, sink, on_line
        self._line = b""
        self._moving = threading.Lock()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise MachineryError where the log could not be written, and whatever ``on_line`` raised."""
        if self._line_error is not None:
            raise self._line_error
        if self._log_error is not None:
            with disk_errors(Path(self._sink.name)):
                raise self._log_error

    def move_to(self, log: Path) -> None:
        """Write to another file from now on, with what was written so far; a fault of the old one is forgotten."""
        with self._moving:
            sink = log.open("w+b")
            with contextlib.suppress(OSError), self._sink:
                self._sink.seek(0)
                shutil.copyfileobj(self._sink, sink)
                sink.flush()
            self._sink, self._log_error = sink, None

    def _drain(self) -> None:
        # A child that nobody reads from hangs: whatever happens to what it printed, go on reading.
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._pipe.fileno(), 1 << 16):
                with self._moving:
                    self._keep(chunk)
                if self._on_line is not None:
                    self._pass_on(chunk, self._on_line)

    def _pass_on(self, chunk: bytes, on_line: Callable[[str], None]) -> None:
        *lines, rest = (self._line + chunk).split(b"\n")
        self._line = rest[-_LONGEST_LINE:]
        try:
            for line in lines:
                on_line(line[:_LONGEST_LINE].decode("utf-8", "replace"))
        except Exception as error:
            self._line_error, self._on_line = error, None

    def _keep(self, chunk: bytes) -> None:
        left = max(0, _KEPT_HEAD - self.total)
        self.total += len(chunk)
        if left and self._log_error is None:
            try:
                self._sink.write(chunk[:left])
                self._sink.flush()
            except OSError as error:
                self._log_error = error
        if rest := chunk[left:]:
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
