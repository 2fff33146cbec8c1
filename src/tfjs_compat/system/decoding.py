"""JSON → typed values. Every type that is decoded has a Reader, made once when its module is imported.

msgspec 0.22.0 publishes a struct type's description before its fields are filled in: the first decoding of a type from
two threads at once reads a null pointer and ends the process. A Reader describes the type while its module is imported,
under the import lock; whatever decodes later finds the description whole. A test sees to it that nothing else decodes.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from tfjs_compat.system.files import read_regular

T = TypeVar("T")


MOST_BYTES = 64 << 20
"""Of a file of the store: results with the end of a log have some KB, a list of releases a MB."""


class DamagedFileError(OSError):
    """A file that holds something else than it should."""


class Reader(Generic[T]):
    """Decodes one type, from any thread. Make it at the top of a module."""

    def __init__(self, kind: Any, dec_hook: Callable[[type, Any], Any] | None = None) -> None:
        self._kind, self._dec_hook = kind, dec_hook
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, dec_hook=dec_hook)

    def decode(self, content: bytes | str) -> T:
        """The value that a JSON text holds. Raises msgspec.DecodeError, UnicodeDecodeError, RecursionError."""
        return self._decoder.decode(content)

    def read(self, path: Path, most: int = MOST_BYTES) -> T:
        """The value that a file holds, which anybody may have put in its place.

        Raises OSError as read_regular does: it is not there, no regular file, or of more than ``most`` bytes; and
        DamagedFileError where it holds something else.
        """
        content = read_regular(path, most)
        try:
            return self.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DamagedFileError(errno.EINVAL, str(error), str(path)) from None

    def convert(self, value: object) -> T:
        """The value that plain data (dicts, lists, texts, numbers) hold. Raises msgspec.ValidationError."""
        found: T = msgspec.convert(value, self._kind, dec_hook=self._dec_hook)
        return found
