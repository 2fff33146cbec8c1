"""JSON → typed values. Every type that is decoded has a Reader, made once when its module is imported.

msgspec 0.22.0 publishes a struct type's description before its fields are filled in: the first decoding of a type from
two threads at once reads a null pointer and ends the process. A Reader describes the type while its module is imported,
under the import lock; whatever decodes later finds the description whole. A test sees to it that nothing else decodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Reader(Generic[T]):
    """Decodes one type, from any thread. Make it at the top of a module."""

    def __init__(self, kind: Any, dec_hook: Callable[[type, Any], Any] | None = None) -> None:
        self._kind, self._dec_hook = kind, dec_hook
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, dec_hook=dec_hook)

    def decode(self, content: bytes | str) -> T:
        """The value that a JSON text holds. Raises msgspec.DecodeError, UnicodeDecodeError, RecursionError."""
        return self._decoder.decode(content)

    def convert(self, value: object) -> T:
        """The value that plain data (dicts, lists, texts, numbers) hold. Raises msgspec.ValidationError."""
        found: T = msgspec.convert(value, self._kind, dec_hook=self._dec_hook)
        return found
