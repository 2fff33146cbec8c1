"""Cases → a table of models against combinations and routes, the same for every format. Pure.

Rows are the models and columns the combinations × routes. Where that would be wide (one model in forty combinations)
and the other way round is narrower, rows are the combinations. What is the same for all goes into the caption.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import msgspec

from tfjs_compat.matrix.axes import DEFAULT, RESOLVED, Combination
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report.words import short
from tfjs_compat.results.case_result import CaseResult

T = TypeVar("T", bound=Hashable)
Heads = tuple[str, ...]

NOTHING = "–"
_ADDED = ("process_env", "constraints", "overrides", "stand_ins", "extra")
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
    combinations, caption = _told(cases)
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
    there = {key[1:] for key in cells}
    columns = [key for key in itertools.product(across.heads, routes.heads) if key in there]
    rows = tuple(
        Row(heads, tuple(tuple(cells.get((key, *column), ())) for column in columns))
        for key, heads in down.heads.items()
    )
    return Pivot(
        caption=(*caption, *_runtime(cases)),
        row_titles=down.titles,
        column_titles=across.titles + routes.titles,
        columns=tuple(across.heads[one] + routes.heads[other] for one, other in columns),
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
    """The side of one key, which is told in the caption instead."""
    ((key, heads),) = side.heads.items()
    caption.append(f"{side.titles[0]} {heads[0]}")
    return _Side((), {key: ()})


def spans(columns: Sequence[Heads], level: int) -> list[Span]:
    """The heads of one level, neighbours of one text (and of one text above them) joined.

    >>> [(one.text, one.width) for one in spans([("2.15", "layers"), ("2.15", "graph"), ("2.16", "graph")], 0)]
    [('2.15', 2), ('2.16', 1)]
    """
    groups = [list(group) for _, group in itertools.groupby(columns, key=lambda heads: heads[: level + 1])]
    return [Span(group[0][level], len(group)) for group in groups]


def label(titles: Sequence[str], heads: Sequence[str]) -> list[str]:
    """Heads that say what they are without a title beside them: ``TF 2.16.1``, ``layers``."""
    own = ("model", "route", "with")
    return [
        one if title in own else f"{title} {one}" for title, one in zip(titles, heads, strict=True) if one != NOTHING
    ]


def _told(cases: Sequence[CaseResult]) -> tuple[_Side, list[str]]:
    """What tells the combinations apart, and what is the same for all of them."""
    combinations = _distinct(case.combination for case in cases)
    added = [field for field in _ADDED if len({getattr(one, field) for one in combinations}) > 1]
    keras = {one: _keras([case for case in cases if case.combination == one]) for one in combinations}
    axes: list[tuple[str, str, Callable[[Combination], str]]] = [
        ("TF", "TensorFlow", lambda one: one.tensorflow),
        ("tfjs", "tensorflowjs", lambda one: one.tensorflowjs),
        ("Python", "Python", lambda one: one.python),
        ("Keras", "Keras", lambda one: keras[one]),
        ("as of", "as of", lambda one: one.as_of),
        ("with", "with", lambda one: _added(one, added)),
        ("TF.js", "TF.js asked", lambda one: _unless(DEFAULT, one.tfjs_runtime)),
    ]
    asked = ("Keras asked", "Keras asked", lambda one: one.keras)
    if len({tuple(value(one) for _, _, value in axes) for one in combinations}) < len(combinations):
        axes.insert(3, asked)
    varying, shared = [], []
    for title, name, value in axes:
        values = [_line(value(one)) or NOTHING for one in combinations]
        if len(set(values)) > 1:
            varying.append((title, values))
        elif values and values[0] != NOTHING:
            shared.append(f"{name} {values[0]}")
    if common := _line(_added(combinations[0], [field for field in _ADDED if field not in added]) if cases else ""):
        shared.append(f"with {common}")
    heads = (
        dict(zip(combinations, zip(*(values for _, values in varying), strict=True), strict=True)) if varying else {}
    )
    return _Side(tuple(title for title, _ in varying), {one: heads.get(one, ()) for one in combinations}), shared


def _keras(cases: Sequence[CaseResult]) -> str:
    """What tf.keras was; where no case got as far as to tell, what the lock gave, else what was asked."""
    told = _distinct(case.keras_in_use for case in cases if case.keras_in_use)
    locked = _distinct(case.resolved["keras"] for case in cases if case.resolved.get("keras"))
    return ", ".join(told or locked) or _unless(RESOLVED, cases[0].combination.keras)


def _added(asked: Combination, fields: Iterable[str]) -> str:
    """What a combination adds to its versions, told apart by a prefix: ``legacy-keras setuptools<81 +pandas``."""
    told = {
        "process_env": [_unless(DEFAULT, asked.process_env)],
        "constraints": asked.constraints,
        "overrides": [f"override {one}" for one in asked.overrides],
        "stand_ins": [f"no {one}" for one in asked.stand_ins],
        "extra": [f"+{one}" for one in asked.extra],
    }
    return " ".join(filter(None, itertools.chain.from_iterable(told[field] for field in fields)))


def _unless(usual: str, value: str) -> str:
    return "" if value == usual else value


def _runtime(cases: Sequence[CaseResult]) -> list[str]:
    versions = {case.tfjs for case in cases if case.tfjs}
    return [f"loaded in TensorFlow.js {_line(versions.pop())}"] if len(versions) == 1 else []


def _sums(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    columns = [[case for row in rows for case in row.cells[index]] for index in range(width)]
    return tuple(f"{sum(case.verdict is Verdict.WORKS for case in column)} of {len(column)}" for column in columns)


def _distinct(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _line(text: str) -> str:
    return short(text, 200)
