"""Results → JSON, as in results.json."""

from __future__ import annotations

import msgspec

from tfjs_compat.report.background import Background
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import Results


def render(results: Results, _place: Place, _background: Background = Background()) -> str:
    """The document. Every text stays as it was recorded: a reader that shows it has to make it plain."""
    return msgspec.json.format(msgspec.json.encode(results), indent=2).decode() + "\n"
