"""Cases → a table of models against combinations and routes, the same for every format. Pure.

Rows are the models and columns the combinations × routes. Where that would be wide (one model in forty combinations)
and the other way round is narrower, rows are the combinations. What is the same for all goes into the caption.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import msgspec

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import axes
from tfjs_compat.report.words import short
from tfjs_compat.results.case_result import CaseResult

T = TypeVar("T", bound=Hashable)
Heads = tuple[str, ...]

NOTHING = "–"
_WIDE = 8
_SUMMED = 4


class Row(msgspec.Struct, frozen=True):
    """One row: its heads, and for each column its cases, mostly one; none where the matrix has no such case."""

    heads: Heads
    cells: tuple[tuple[CaseResult, ...], ...]


class Pivot(msgspec.Struct, frozen=True):
    """The table. Every row has a head for each of ``row_titles``, every column one for each of ``column_titles``.

    ``sums`` says for each column how many of its cases work; empty where there are few rows.
    """

    caption: tuple[str, ...]
    row_titles: Heads
    column_titles: Heads
    columns: tuple[Heads, ...]
    rows: tuple[Row, ...]
    sums: tuple[str, ...]


class Span(msgspec.Struct, frozen=True):
    """A head that stands over so many columns."""

    text: str
    width: int


class _Side(msgspec.Struct, frozen=True):
    """What stands at one side of the table: titles, and the heads for each of its keys."""

    titles: Heads
    heads: dict[Hashable, Heads]


def pivot(cases: Sequence[CaseResult]) -> Pivot:
    """The table of all cases, rows and columns in the order in which the cases come."""
    combinations, caption = _combinations(cases)
    models = _plain_side("model", [case.model for case in cases])
    routes = _plain_side("route", [case.route for case in cases])
    turned = _is_turned(cases)
    down, across = (combinations, models) if turned else (models, combinations)
    if turned and len(models.heads) == 1:
        across = _without_heads(models, caption)
    if across.titles and len(routes.heads) == 1:
        routes = _without_heads(routes, caption)
    cells: dict[tuple[Hashable, Hashable, Hashable], list[CaseResult]] = {}
    for case in cases:
        places = (case.combination, case.model) if turned else (case.model, case.combination)
        cells.setdefault((*places, case.route), []).append(case)
    used = {key[1:] for key in cells}
    columns = [key for key in itertools.product(across.heads, routes.heads) if key in used]
    rows = tuple(
        Row(heads, tuple(tuple(cells.get((key, *column), ())) for column in columns))
        for key, heads in down.heads.items()
    )
    return Pivot(
        caption=(*caption, *_runtime(cases)),
        row_titles=down.titles,
        column_titles=across.titles + routes.titles,
        columns=tuple(across.heads[key] + routes.heads[route] for key, route in columns),
        rows=rows,
        sums=_sums(rows, len(columns)) if len(rows) >= _SUMMED else (),
    )


def _is_turned(cases: Sequence[CaseResult]) -> bool:
    wide = len({(case.combination, case.route) for case in cases})
    narrow = len({(case.model, case.route) for case in cases})
    return narrow < wide and (wide > _WIDE or len({case.model for case in cases}) == 1)


def _plain_side(title: str, names: Iterable[str]) -> _Side:
    return _Side((title,), {name: (_line(name),) for name in names})


def _without_heads(side: _Side, caption: list[str]) -> _Side:
    """The side of one key, which goes into the caption instead."""
    ((key, heads),) = side.heads.items()
    caption.append(f"{side.titles[0]} {heads[0]}")
    return _Side((), {key: ()})


def spans(columns: Sequence[Heads], level: int) -> list[Span]:
    """The heads of one level, neighbours of one text (and of one text above them) joined.

    >>> [(span.text, span.width) for span in spans([("2.15", "layers"), ("2.15", "graph"), ("2.16", "graph")], 0)]
    [('2.15', 2), ('2.16', 1)]
    """
    groups = [list(group) for _, group in itertools.groupby(columns, key=lambda heads: heads[: level + 1])]
    return [Span(group[0][level], len(group)) for group in groups]


def label(titles: Sequence[str], heads: Sequence[str]) -> list[str]:
    """Heads that say what they are without a title beside them: ``TF 2.16.1``, ``layers``."""
    own = ("model", "route", "with")
    return [
        head if title in own else f"{title} {head}"
        for title, head in zip(titles, heads, strict=True)
        if head != NOTHING
    ]


def _combinations(cases: Sequence[CaseResult]) -> tuple[_Side, list[str]]:
    """The columns in which the combinations differ, and what all of them share."""
    groups: dict[Hashable, list[CaseResult]] = {}
    for case in cases:
        groups.setdefault(case.combination, []).append(case)
    requested = [group[0].combination for group in groups.values()]
    differing, shared = axes.compare(requested, [_keras(group) for group in groups.values()])
    heads = [tuple(_line(column.values[at]) or NOTHING for column in differing) for at in range(len(requested))]
    side = _Side(tuple(column.title for column in differing), dict(zip(groups, heads, strict=True)))
    return side, [_line(text) for text in shared]


def _keras(cases: Sequence[CaseResult]) -> str:
    """The Keras that tf.keras was in these cases of one combination."""
    in_use = dict.fromkeys(case.keras_in_use for case in cases if case.keras_in_use)
    return ", ".join(in_use) or next(filter(None, map(axes.keras_of, cases)), "")


def _runtime(cases: Sequence[CaseResult]) -> list[str]:
    versions = {case.tfjs for case in cases if case.tfjs}
    return [f"loaded in TensorFlow.js {_line(versions.pop())}"] if len(versions) == 1 else []


def _sums(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    columns = [[case for row in rows for case in row.cells[index]] for index in range(width)]
    return tuple(f"{sum(case.verdict is Verdict.WORKS for case in column)} of {len(column)}" for column in columns)


def _line(text: str) -> str:
    return short(text, 200)
