"""What combinations ask for: as columns of a table what tells them apart, in words what is the same for all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from tfjs_compat.matrix.axes import Combination
from tfjs_compat.report.grid import Column
from tfjs_compat.report.words import plain

_AXES = (
    ("tensorflow", "TF"),
    ("tensorflowjs", "tfjs"),
    ("python", "Python"),
    ("keras", "keras asked"),
    ("as_of", "as of"),
    ("tfjs_runtime", "runtime"),
)
# What a combination adds or changes: one column, because most cases have none of it.
_WITH = ("extra", "constraints", "overrides", "stand_ins", "process_env")
_NAMES = {"tensorflowjs": "tensorflowjs", "python": "Python", "keras": "keras", "as_of": "as of"}


def columns(asked: Sequence[Combination]) -> list[Column]:
    """A column for TensorFlow and for each other axis on which the combinations differ, with a row for each of them."""
    shown = [(field, title) for field, title in _AXES if field == "tensorflow" or _varies(asked, field)]
    found = [Column(title, [Text(plain(_value(one, field))) for one in asked]) for field, title in shown]
    if added := [field for field in _WITH if _varies(asked, field)]:
        found.append(Column("with", [Text(plain(_joined(one, added))) for one in asked]))
    return found


def shared(asked: Sequence[Combination]) -> list[str]:
    """What is the same for all and not TensorFlow's version: ``tensorflowjs 4.17.0``, ``with setuptools<81``."""
    same = [field for field in (*_NAMES, *_WITH) if asked and not _varies(asked, field)]
    return [f"{_NAMES.get(field, 'with')} {value}" for field in same if (value := _told(asked[0], field))]


def _varies(asked: Iterable[Combination], field: str) -> bool:
    return len({getattr(one, field) for one in asked}) > 1


def _value(asked: Combination, field: str) -> str:
    value = getattr(asked, field)
    if field == "stand_ins":
        return " ".join(f"no-{name}" for name in value)
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _joined(asked: Combination, fields: Iterable[str]) -> str:
    return " ".join(filter(None, (_told(asked, field) for field in fields)))


def _told(asked: Combination, field: str) -> str:
    value = _value(asked, field)
    return "" if value in ("", "resolved", "default") else value
