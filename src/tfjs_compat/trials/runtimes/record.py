"""A record of a child: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.system.child_files import read_child_file

_MOST = 4 << 20
"""Bytes: some hundred times what a worker or a page writes."""


def read_record(record: Path) -> list[dict[str, Any]]:
    """The events of a record, in order; a last line that was cut off by a kill is left out.

    Empty where there is no record, and where there is what no worker writes: no regular file, or more than 4 MiB.
    """
    events = []
    for line in read_child_file(record, _MOST).splitlines():
        try:
            event = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
