"""The lines of a log that say why a case failed. Pure."""

from __future__ import annotations

import re

from tfjs_compat.system.text import plain

_TELLING = re.compile(r"error|exception|traceback|fail|assert|cannot|can't|unable|not (?:found|supported)|killed", re.I)
_MOST_LINES = 12
_LAST = 3
_LONGEST = 300


def excerpt(text: str) -> str:
    """At most twelve lines of a log's end: those that tell of a failure, and the last ones, in their order.

    >>> print(excerpt("loading\\nValueError: no lstm\\na\\nb\\nc"))
    ValueError: no lstm
    a
    b
    c
    """
    lines = [line.rstrip() for line in plain(text).split("\n") if line.strip()]
    telling = [at for at, line in enumerate(lines) if _TELLING.search(line)]
    last = range(max(0, len(lines) - _LAST), len(lines))
    chosen = sorted({*telling[-(_MOST_LINES - _LAST) :], *last})
    return "\n".join(
        line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in map(lines.__getitem__, chosen)
    )
