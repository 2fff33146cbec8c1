"""Texts of others, made harmless before they are kept or shown. Pure."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    """A text from a log or a model without anything that a terminal would obey."""
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", "", text)
    return "".join(char if char == "\n" or char.isprintable() else " " if char.isspace() else "�" for char in text)
