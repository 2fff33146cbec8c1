"""Combinations in words: what each requests on each axis, where several differ, and what all of them share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tfjs_compat.matrix.axes import AXES, Axis, Combination
from tfjs_compat.results.case_result import CaseResult

_WITH = "with"
"""The title of the axes that add to or change what the versions say: one column, because most have none of it."""

_KERAS = next(axis for axis in AXES if axis.name == "keras")


class AxisColumn(NamedTuple):
    """What each of several combinations has on one axis, or on the axes that share the title; empty: the default."""

    title: str
    name: str
    values: tuple[str, ...]


def in_words(combination: Combination, axis: Axis) -> str:
    """What a combination requests on an axis: the one spelling in every report. Empty for the default.

    A date is said even where it is ``today``: what that means changes from day to day.
    """
    return str(axis.value(combination)) if axis.kind == "date" else axis.words(combination)


def facts(combination: Combination) -> dict[str, str]:
    """Everything that a combination requests, by the label of the axis, without defaults."""
    return {axis.label: words for axis in AXES if (words := in_words(combination, axis))}


def keras_of(case: CaseResult) -> str:
    """The Keras in use; where the case did not get that far, the one of its lock, else the requested version."""
    return case.keras_in_use or case.resolved.get("keras") or in_words(case.combination, _KERAS)


def compare(combinations: Sequence[Combination], keras: Sequence[str]) -> tuple[list[AxisColumn], list[str]]:
    """The columns in which combinations differ, and what all of them share, as ``Python 3.11``.

    ``keras`` is the Keras in use of each. The requested Keras is a column only where no other column tells two of the
    combinations apart: mostly the Keras in use says it.
    """
    columns = [column for column in _columns(combinations, keras) if column.values]
    differing = [column for column in columns if len(set(column.values)) > 1]
    without = [column for column in differing if column.title != _KERAS.title]
    if _tell_apart(without, combinations):
        differing = without
    shared = [
        f"{column.name} {column.values[0]}"
        for column in columns
        if len(set(column.values)) == 1 and column.values[0] and column.title != _KERAS.title
    ]
    return differing, shared


def _columns(combinations: Sequence[Combination], keras: Sequence[str]) -> list[AxisColumn]:
    found = []
    for axis in AXES:
        if axis.title != _WITH:
            values = tuple(in_words(combination, axis) for combination in combinations)
            found.append(AxisColumn(axis.title, axis.label, values))
        if axis is _KERAS:
            found.append(AxisColumn("Keras", "Keras", tuple(keras)))
    place = len(found) - 1
    # Process variables first: they change most.
    together = sorted((axis for axis in AXES if axis.title == _WITH), key=lambda axis: axis.kind != "process_env")
    varying = [axis for axis in together if len({axis.value(each) for each in combinations}) > 1]
    for axes in (varying, [axis for axis in together if axis not in varying]):
        values = tuple(_joined(combination, axes) for combination in combinations)
        found.insert(place, AxisColumn(_WITH, _WITH, values))
    return found


def _joined(combination: Combination, axes: Iterable[Axis]) -> str:
    return " ".join(filter(None, (in_words(combination, axis) for axis in axes)))


def _tell_apart(columns: Sequence[AxisColumn], combinations: Sequence[Combination]) -> bool:
    """Whether no two different combinations have the same values in all of the columns."""
    rows: dict[tuple[str, ...], Combination] = {}
    for at, combination in enumerate(combinations):
        values = tuple(column.values[at] for column in columns)
        if rows.setdefault(values, combination) != combination:
            return False
    return True
