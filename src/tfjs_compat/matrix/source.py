"""Where things stand in a matrix file, for messages that point at them. Pure but for reading the file."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tfjs_compat.matrix.schema import Matrix

_HEADING = re.compile(r"^[ \t]*\[\[\s*(?:tool\.tfjs-compat\.)?expect\s*\]\]", re.MULTILINE)


class Source(msgspec.Struct, frozen=True):
    """A matrix file, relative to the working folder where it is below it, and lines of it, from 1.

    ``expect`` has the line of each ``[[expect]]``, ``models`` the line of each model's first mention.
    """

    file: str
    expect: tuple[int, ...] = ()
    models: dict[str, int] = {}

    def line(self, rule: int | None, model: str) -> int:
        """The line of a case: that of the expectation at the place ``rule``, else that of its model, else the first."""
        if rule is not None and rule < len(self.expect):
            return self.expect[rule]
        return self.models.get(model, 1)


def find_source(path: Path, matrix: Matrix) -> Source:
    """Where a matrix and its parts stand; line 1 for what is not found, such as tables in another spelling."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    headings = [_line(text, found.start()) for found in _HEADING.finditer(text)]
    if len(headings) != len(matrix.expect):
        headings = [_line(text, text.find(rule.reason)) for rule in matrix.expect]
    models = [*matrix.models, *(ref for block in matrix.include for ref in block.models or [])]
    lines = {ref: _line(text, max(text.find(f'"{ref}"'), text.find(f"'{ref}'"))) for ref in models}
    return Source(_shown(path), tuple(headings), lines)


def _line(text: str, at: int) -> int:
    """The line of a place in a text; 1 for a place that was not found (-1)."""
    return text.count("\n", 0, max(at, 0)) + 1


def _shown(path: Path) -> str:
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return path.as_posix()
