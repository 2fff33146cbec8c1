"""An explanation as plain values and as the text of an issue."""

from __future__ import annotations

from typing import Any

from tfjs_compat.handover.explained import explanation_markdown
from tfjs_compat.search.culprit.explanation import Explanation

markdown = explanation_markdown


def as_json(found: Explanation) -> dict[str, Any]:
    """The contract of ``explain --json``, and what else is known."""
    return {name: getattr(found, name) for name in found.__struct_fields__}
