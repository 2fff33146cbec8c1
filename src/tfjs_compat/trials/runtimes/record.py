"""A record of a child: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec


def read_record(record: Path) -> list[dict[str, Any]]:
    """The events of a record, in order; a last line that was cut off by a kill is left out, a missing file is empty."""
    try:
        lines = record.read_bytes().splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            event = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
