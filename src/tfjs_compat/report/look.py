"""What a verdict, a status and a severity look like in every medium: the one place that decides it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tfjs_compat.outcomes.stages import Verdict


class Look(NamedTuple):
    """A verdict for readers: a style of rich, a symbol of text, an emoji for Markdown, its meaning in one clause.

    The page's colours are the CSS classes of the verdict's name in report.html.jinja.
    """

    style: str
    symbol: str
    emoji: str
    meaning: str


VERDICTS: Mapping[Verdict, Look] = {
    Verdict.WORKS: Look("bold green", "✓", "✅", "loads in TensorFlow.js and predicts the same numbers"),
    Verdict.CONVERTS: Look("cyan", "◐", "☑️", "reached the requested stage, or loads but nothing proves its numbers"),
    Verdict.MISMATCH: Look("bold yellow", "≠", "⚠️", "loads and predicts different numbers"),
    Verdict.FAILS: Look("red", "✗", "❌", "failed at the named stage"),
    Verdict.ERROR: Look(
        "bold magenta", "!", "💥", "the machine or the network failed; says nothing about the versions"
    ),
}
STATUSES: Mapping[str, str] = {"ok": "green", "note": "yellow", "bad": "bold red"}
"""The style of a finding of ``doctor``."""

SEVERITIES: Mapping[str, str] = {"error": "red", "warning": "yellow"}
"""The style of a finding in an artifact."""
