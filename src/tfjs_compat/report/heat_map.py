"""Cases → the table of a page: every model against every combination and route, with what a cell says. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tfjs_compat.report.background import Background
from tfjs_compat.report.causes import Cause
from tfjs_compat.report.pivot import NOTHING, Heads, Span, pivot, spans
from tfjs_compat.results.case_result import CaseResult, Results

DENSE = 400
"""From so many cases on a cell is a symbol, so that a screen holds more than a thousand of them."""


class Cell(msgspec.Struct, frozen=True):
    """One case in the table: its ``number`` among the results, its cause's number (0: none), whether it is news."""

    case: CaseResult
    number: int
    cause: int
    is_news: bool


class MapRow(msgspec.Struct, frozen=True):
    """The heads of a row and, for each column, its cells: mostly one, none where there is no such case."""

    heads: Heads
    cells: tuple[tuple[Cell, ...], ...]


class HeatMap(msgspec.Struct, frozen=True):
    """The table. ``levels`` are the rows of column heads; ``dense``: cells are symbols and rows have one head."""

    caption: tuple[str, ...]
    row_titles: Heads
    column_titles: Heads
    levels: tuple[tuple[Span, ...], ...]
    rows: tuple[MapRow, ...]
    sums: tuple[str, ...]
    dense: bool


def heat_map(results: Results, background: Background, found: tuple[Cause, ...]) -> HeatMap:
    """The table of all cases of a run."""
    table = pivot(results.cases)
    dense = len(results.cases) > DENSE
    numbers = {id(case): number for number, case in enumerate(results.cases)}
    causes = {id(case): number for number, cause in enumerate(found, 1) for case in cause.cases}
    news = background.news(results)
    rows = tuple(
        MapRow(
            (" ".join(head for head in row.heads if head != NOTHING) or NOTHING,) if dense else row.heads,
            tuple(tuple(_cell(case, numbers, causes, news) for case in cell) for cell in row.cells),
        )
        for row in table.rows
    )
    return HeatMap(
        caption=table.caption,
        row_titles=(" · ".join(table.row_titles),) if dense else table.row_titles,
        column_titles=table.column_titles,
        levels=tuple(tuple(spans(table.columns, level)) for level in range(len(table.column_titles))),
        rows=rows,
        sums=() if dense else table.sums,
        dense=dense,
    )


def _cell(case: CaseResult, numbers: Mapping[int, int], causes: Mapping[int, int], news: frozenset[str]) -> Cell:
    return Cell(case, numbers[id(case)], causes.get(id(case), 0), case.id in news)
