"""stdout and stderr of the command: what becomes of a command whose output cannot be written."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Collection
from typing import Any


class _Lenient(io.FileIO):
    """A stream's file. What cannot be written for a reason among ``forgiven`` (None: for any) is dropped."""

    def __init__(self, descriptor: int, forgiven: Collection[int] | None) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._forgiven = forgiven

    def write(self, data: Any, /) -> int:
        """The number of bytes that are written, or dropped. Raises OSError."""
        try:
            return super().write(data)
        except OSError as error:
            if self._forgiven is not None and error.errno not in self._forgiven:
                raise
            return len(data)


def make_lenient() -> None:
    """Let a command go on, and end as it would, where nobody reads its output.

    - The reader of stdout may go away, as ``| head`` does. Results that a full disk does not take are an error.
    - stderr holds progress and messages: where it takes none, nothing can be said of that either.
    - What a stream's encoding lacks is written as an escape (``\\xd7``).
    """
    sys.stdout = _lenient(sys.stdout, (errno.EPIPE,))
    sys.stderr = _lenient(sys.stderr, None)


def _lenient(stream: Any, forgiven: Collection[int] | None) -> Any:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        descriptor = stream.fileno()
    except OSError:
        # Not a file: a test's.
        stream.reconfigure(errors="backslashreplace")
        return stream
    stream.flush()
    file = io.BufferedWriter(_Lenient(descriptor, forgiven))
    return io.TextIOWrapper(
        file, encoding=stream.encoding, errors="backslashreplace", line_buffering=stream.line_buffering
    )
