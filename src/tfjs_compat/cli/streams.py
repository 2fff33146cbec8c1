"""stdout and stderr of the command: what becomes of a command whose output cannot be written."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Collection
from typing import Any

_STDOUT, _STDERR = 1, 2


class _Lenient(io.FileIO):
    """A stream's file. What cannot be written for a reason among ``forgiven`` (None: for any) is dropped."""

    def __init__(self, descriptor: int, forgiven: Collection[int] | None) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._forgiven = forgiven

    def write(self, data: Any, /) -> int:
        """The number of bytes that are written, or dropped. Raises OSError, once: what comes after that is dropped."""
        try:
            while (written := super().write(data)) is None:
                # Somebody set the pipe not to block, which counts for all who have it.
                select.select([], [self], [])
            return written
        except OSError as error:
            if self._forgiven is not None and error.errno not in self._forgiven:
                self._forgiven = None
                raise
            return len(data)


def make_lenient() -> None:
    """Let a command go on, and end as it would, where nobody reads its output.

    - The reader of stdout may go away, as ``| head`` does. Results that a full disk does not take are an error.
    - stderr holds progress and messages: where it takes none, nothing can be said of that either.
    - What a stream's encoding lacks is written as an escape (``\\xd7``).
    - A stream that the caller closed is one that nobody reads; its number goes to no other file.
    """
    _open_closed()
    sys.stdout = _lenient(sys.stdout, (errno.EPIPE,))
    sys.stderr = _lenient(sys.stderr, None)


def _open_closed() -> None:
    """Put an empty file in the place of each standard stream that is closed."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(opened, True)
    os.close(opened)
    sys.stdout = sys.stdout or _text(_STDOUT)
    sys.stderr = sys.stderr or _text(_STDERR)


def _text(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(io.FileIO(descriptor, "wb", closefd=False)), encoding="utf-8")


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
