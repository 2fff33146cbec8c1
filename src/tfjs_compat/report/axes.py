"""Combinations in words: what each requests on each axis, where several differ, and what all of them share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tfjs_compat.matrix.cases import DEFAULT, RESOLVED, Combination
from tfjs_compat.results.case_result import CaseResult


class Axis(NamedTuple):
    """One axis for readers: the ``title`` of a column, its ``name`` in a sentence, what a default value is.

    ``words`` turns another value into text. The axes titled ``with`` add to or change what the versions say and share
    one column, because most combinations have none of it.
    """

    field: str
    title: str
    name: str
    default: object = None
    words: Callable[[Any], str] = str


_WITH = "with"
_REQUESTED = "Keras requested"

AXES = (
    Axis("tensorflow", "TF", "TensorFlow"),
    Axis("tensorflowjs", "tfjs", "tensorflowjs"),
    Axis("python", "Python", "Python"),
    Axis("keras", _REQUESTED, "Keras", RESOLVED),
    Axis("as_of", "as of", "as of"),
    Axis("process_env", _WITH, "process variables", DEFAULT),
    Axis("constraints", _WITH, "constraints", (), " ".join),
    Axis("overrides", _WITH, "overrides", (), lambda lines: " ".join(f"override {line}" for line in lines)),
    Axis("stand_ins", _WITH, "stub packages", (), lambda names: " ".join(f"no-{name}" for name in names)),
    Axis("extra", _WITH, "extra packages", (), lambda lines: " ".join(f"+{line}" for line in lines)),
    Axis("tfjs_runtime", "TF.js", "TensorFlow.js", DEFAULT),
)


class AxisColumn(NamedTuple):
    """What each of several combinations has on one axis, or on the axes that share the title; empty: the default."""

    title: str
    name: str
    values: tuple[str, ...]


def in_words(combination: Combination, axis: Axis) -> str:
    """What a combination requests on an axis: the one spelling in every report. Empty for the default.

    A stub package reads ``no-NAME``, an extra package ``+NAME``, an override ``override NAME<2``.
    """
    value = getattr(combination, axis.field)
    return "" if value == axis.default else axis.words(value)


def facts(combination: Combination) -> dict[str, str]:
    """Everything that a combination requests, by the name of the axis, without defaults."""
    return {axis.name: value for axis in AXES if (value := in_words(combination, axis))}


def keras_of(case: CaseResult) -> str:
    """The Keras in use; where the case did not get that far, the one of its lock, else the requested version."""
    requested = next(axis for axis in AXES if axis.field == "keras")
    return case.keras_in_use or case.resolved.get("keras") or in_words(case.combination, requested)


def compare(combinations: Sequence[Combination], keras: Sequence[str]) -> tuple[list[AxisColumn], list[str]]:
    """The columns in which combinations differ, and what all of them share, as ``Python 3.11``.

    ``keras`` is the Keras in use of each. The requested Keras is a column only where no other column tells two of the
    combinations apart: mostly the Keras in use says it.
    """
    columns = [column for column in _columns(combinations, keras) if column.values]
    differing = [column for column in columns if len(set(column.values)) > 1]
    without = [column for column in differing if column.title != _REQUESTED]
    if _tell_apart(without, combinations):
        differing = without
    shared = [
        f"{column.name} {column.values[0]}"
        for column in columns
        if len(set(column.values)) == 1 and column.values[0] and column.title != _REQUESTED
    ]
    return differing, shared


def _columns(combinations: Sequence[Combination], keras: Sequence[str]) -> list[AxisColumn]:
    found = []
    for axis in AXES:
        if axis.title != _WITH:
            values = tuple(in_words(combination, axis) for combination in combinations)
            found.append(AxisColumn(axis.title, axis.name, values))
        if axis.field == "keras":
            found.append(AxisColumn("Keras", "Keras", tuple(keras)))
    place = len(found) - 1
    together = [axis for axis in AXES if axis.title == _WITH]
    varying = [axis for axis in together if len({getattr(each, axis.field) for each in combinations}) > 1]
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
