"""Hostile texts made fit for Markdown: code spans, or every character escaped that something would obey. Pure."""

from __future__ import annotations

import re

from tfjs_compat.report.words import short

_PLAIN = re.compile(r"[^`|\\\n]*")
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>&|~$^@#]|(?<=:)//|(?<=www)\.", re.IGNORECASE)


def as_name(text: str) -> str:
    """A name: a code span where nothing in it could end one, else escaped."""
    flat = short(text, 200)
    return f"`{flat}`" if flat and _PLAIN.fullmatch(flat) else escape(flat)


def as_head(text: str) -> str:
    """Words, numbers, versions: as they are where nothing in them needs escaping."""
    flat = short(text, 200)
    return flat if escape(flat) == flat else as_name(text)


def marked(text: str) -> str:
    """A text of the catalogue: its `code` stays code, the rest is escaped."""
    parts = re.split(r"`([^`]*)`", " ".join(text.split()))
    return "".join(code(part) if i % 2 else escape(part) for i, part in enumerate(parts))


def code(text: str) -> str:
    """A code span for a text outside of tables, fenced by more backticks than it has in a row.

    >>> code("a `b` <c>")
    '`` a `b` <c> ``'
    """
    flat = " ".join(text.split())
    if not flat:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", flat)), default=0))
    return f"{fence}{flat}{fence}" if len(fence) == 1 else f"{fence} {flat} {fence}"


def escape(text: str) -> str:
    """One line of plain text, with nothing in it that Markdown, HTML or GitHub would obey.

    >>> escape("a|b <i> `c` @you")
    'a&#124;b &lt;i&gt; &#96;c&#96; @\u200byou'
    """
    return _SPECIAL.sub(lambda found: _escaped(found[0]), re.sub(r"\s+", " ", text))


def _escaped(special: str) -> str:
    if special in "@#":
        # GitHub links names and numbers when all escapes are gone: only a space of no width keeps them apart.
        return f"{special}\u200b" if special == "@" else "&#35;\u200b"
    named = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "_": r"\_", "*": r"\*"}
    return named.get(special) or "".join(f"&#{ord(char)};" for char in special)
