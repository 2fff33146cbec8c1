"""Tables and paragraphs for a terminal of any width: no word is broken, and no line ends with spaces.

Words are what stands between spaces: versions, ids, paths. A column that no longer fits goes below its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

_GAP = 1
_LEAST = 8
_BELOW = 4


@dataclass(frozen=True)
class Column:
    """A column: its title and one cell for each row.

    ``stays``: in its row, whatever the width; ``wraps``: between words, where the line is too short.
    """

    title: str
    cells: Sequence[Text]
    stays: bool = False
    wraps: bool = True
    right: bool = False

    @property
    def natural(self) -> int:
        """The width at which no cell wraps."""
        return max([cell_len(self.title), *(cell.cell_len for cell in self.cells)])

    @property
    def least(self) -> int:
        """The width at which no word breaks."""
        if not self.wraps:
            return self.natural
        texts = (self.title, *(cell.plain for cell in self.cells))
        return max(cell_len(word) for text in texts for word in _words(text))


def _words(text: str) -> list[str]:
    return text.split() or [""]


class Grid:
    """A table. Where not even the words fit side by side, the columns from the right on go below their rows."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        shown, below = _split(self.columns, options.max_width)
        widths = _widths(shown, options.max_width)
        if any(column.title for column in self.columns):
            yield from _row([Text(column.title, "bold") for column in shown], shown, widths, console)
        for at in range(max((len(column.cells) for column in self.columns), default=0)):
            yield from _row([column.cells[at] for column in shown], shown, widths, console)
            filled = [column for column in below if column.cells[at].plain.strip()]
            parts = [Text.assemble((f"{column.title}: ", "dim"), column.cells[at]) for column in filled]
            if parts:
                yield from Hanging(Text("; ").join(parts), _BELOW, _BELOW).__rich_console__(console, options)


class Hanging:
    """A paragraph that begins at column ``first`` and goes on at ``rest``; a word longer than a line stays whole."""

    def __init__(self, text: Text, first: int = 0, rest: int = 0) -> None:
        self.text, self.first, self.rest = text, first, rest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width = max(options.max_width - max(self.first, self.rest), _LEAST)
        for at, line in enumerate(_wrapped(self.text, width, console)):
            yield whole(Text(" " * (self.rest if at else self.first)) + line)


def whole(line: Text) -> Text:
    """A line that is not cut and not wrapped by us, however long: a path that a terminal wraps can still be copied."""
    line.no_wrap, line.overflow, line.end = True, "ignore", "\n"
    line.rstrip()
    return line


def _wrapped(text: Text, width: int, console: Console) -> list[Text]:
    """Lines that break at spaces only."""
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        longest = max(cell_len(word) for word in _words(line.plain))
        if longest <= width:
            lines += line.wrap(console, width) or [Text()]
        else:
            lines += _around_long_words(line, width)
    return lines


def _around_long_words(text: Text, width: int) -> list[Text]:
    lines = [Text()]
    for word in text.split(" "):
        if lines[-1].cell_len and lines[-1].cell_len + 1 + word.cell_len > width:
            lines.append(Text())
        lines[-1] = Text(" ").join([lines[-1], word]) if lines[-1].cell_len else word
    return lines


def _split(columns: Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """The columns that fit beside each other, and those that go below."""
    shown, below = list(columns), list[Column]()
    while len(shown) > 1 and _needed(shown) > width and (movable := [column for column in shown if not column.stays]):
        # The widest, of equals the one on the right: `why` rather than a version.
        moved = max(reversed(movable), key=lambda column: column.least)
        shown = [column for column in shown if column is not moved]
        below = [column for column in columns if column is moved or column in below]
    return shown, below


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.least for column in columns) + _GAP * (len(columns) - 1)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """What each column gets: its longest word, and what it can use of the rest, sentences (at the right) first."""
    rest = max(0, width - _needed(columns))
    widths = []
    for column in reversed(columns):
        more = min(rest, column.natural - column.least)
        rest -= more
        widths.append(column.least + more)
    return widths[::-1]


def _row(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int], console: Console) -> Iterator[Text]:
    wrapped = [_wrapped(cell, width, console) for cell, width in zip(cells, widths, strict=True)]
    for at in range(max(map(len, wrapped), default=0)):
        line = Text()
        for lines, column, width in zip(wrapped, columns, widths, strict=True):
            cell = lines[at].copy() if at < len(lines) else Text()
            cell.rstrip()
            blank = " " * max(0, width - cell.cell_len)
            line.append(blank if column.right else "").append_text(cell).append("" if column.right else blank)
            line.append(" " * _GAP)
        yield whole(line)
