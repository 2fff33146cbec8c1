"""How many cases a matrix names: counted, without making one. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import AXES, TODAY, Axis
from tfjs_compat.matrix.schema import Include, Matrix

MOST_CASES = 100_000
"""Cases of a matrix that are planned at most."""

_RELEASED = tuple(axis for axis in AXES if axis.kind == "release")
_SHOWN = 3

Count = Callable[[str, str, str], int]
"""How many releases of a package a text means at a date: ``(package, text, as_of)``."""


def listed(axis: Axis, block: Include, matrix: Matrix) -> list[Any]:
    """The values of an axis in a block: its own, else those of the matrix, else the default."""
    return getattr(block, axis.name) or getattr(matrix.axes, axis.name) or [axis.default]


def require_feasible(matrix: Matrix, count: Count = lambda *_: 1) -> None:
    """Raise RequestError where a matrix names more than MOST_CASES, with their number and the longest of its lists.

    Counted before anything is excluded. Without ``count`` a range of releases is taken for one, which needs no index.
    """
    sizes = [(_size(block, matrix, count), place, block) for place, block in _blocks(matrix)]
    total = sum(size for size, _, _ in sizes)
    if total > MOST_CASES:
        _, place, block = max(sizes, key=lambda sized: sized[0])
        lists = sorted(_lengths(place, block, matrix, count), key=lambda named: -named[1])[:_SHOWN]
        longest = ", ".join(f"{name} ({length:,})" for name, length in lists if length > 1)
        raise RequestError(
            f"{matrix.name}: it names {total:,} cases, and no more than {MOST_CASES:,} are planned\n"
            f"hint: make its longest lists shorter: {longest or 'include'}"
        )


def _blocks(matrix: Matrix) -> Iterator[tuple[str, Include]]:
    yield "axes", Include()
    yield from ((f"include[{number}]", block) for number, block in enumerate(matrix.include))


def _dates(block: Include, matrix: Matrix) -> list[str]:
    return block.as_of or matrix.axes.as_of or [TODAY]


def _size(block: Include, matrix: Matrix, count: Count) -> int:
    others = [len(listed(axis, block, matrix)) for axis in AXES if axis.kind not in ("release", "date")]
    others += [len(block.models or matrix.models), len(block.routes or matrix.routes)]
    by_date = (
        math.prod(sum(count(axis.name, text, date) for text in listed(axis, block, matrix)) for axis in _RELEASED)
        for date in _dates(block, matrix)
    )
    return math.prod(others) * sum(by_date)


def _lengths(place: str, block: Include, matrix: Matrix, count: Count) -> Iterator[tuple[str, int]]:
    """The lists of a block, by the key that they stand at, and how many values each stands for."""
    date = _dates(block, matrix)[0]
    for axis in AXES:
        texts = listed(axis, block, matrix)
        length = sum(count(axis.name, text, date) for text in texts) if axis.kind == "release" else len(texts)
        yield f"{place if getattr(block, axis.name) else 'axes'}.{axis.name}", length
    for key in ("models", "routes"):
        own = getattr(block, key)
        yield (f"{place}.{key}", len(own)) if own else (key, len(getattr(matrix, key)))
