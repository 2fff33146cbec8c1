"""Changes to a model.json as values, and how they are made without touching the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from tfjs_compat.artifact.layers import Place, json_path

Document: TypeAlias = Mapping[str, Any]
"""A parsed model.json. It is never changed: an edited document is a new value that shares what stayed the same."""

_Value = TypeVar("_Value")


class Edit(msgspec.Struct, frozen=True):
    """One change at a place. The last key of ``place`` is the member, or the index, that is changed."""

    place: Place

    @property
    def path(self) -> str:
        """The JSON path of what is changed, in the document as it was."""
        return json_path(self.place)


class Put(Edit, frozen=True):
    """Give a place a value; a member that is not there comes last, and an index one behind the last adds an item."""

    value: Any


class Drop(Edit, frozen=True):
    """Take a member out of an object, or an item out of a list."""


class Rename(Edit, frozen=True):
    """Give a member another key, in the same place among its neighbours. A null of that key goes."""

    key: str


def edited(document: _Value, edits: Sequence[Edit]) -> _Value:
    """A document with all the edits made; the places are those of the document as it was.

    >>> edited({"a": [1, {"b": 2}]}, [Put(("a", 0), 7), Rename(("a", 1, "b"), "c")])
    {'a': [7, {'c': 2}]}
    """
    if not edits:
        return document
    changed: Any = _edited(document, edits, 0)
    return changed  # type: ignore[no-any-return]


def _edited(value: Any, edits: Sequence[Edit], depth: int) -> Any:
    deeper: dict[str | int, list[Edit]] = {}
    here: list[Edit] = []
    for edit in edits:
        if len(edit.place) == depth + 1:
            here.append(edit)
        else:
            deeper.setdefault(edit.place[depth], []).append(edit)
    new: Any = dict(value) if isinstance(value, Mapping) else list(value)
    for key, inner in deeper.items():
        new[key] = _edited(new[key], inner, depth + 1)
    renamed: dict[Any, str] = {}
    dropped: set[Any] = set()
    for edit in here:
        key = edit.place[depth]
        if isinstance(edit, Put):
            if isinstance(new, list) and key == len(new):
                new.append(edit.value)
            else:
                new[key] = edit.value
        elif isinstance(edit, Drop):
            dropped.add(key)
        elif isinstance(edit, Rename):
            renamed[key] = edit.key
    if dropped and isinstance(new, list):
        return [item for index, item in enumerate(new) if index not in dropped]
    for key in dropped:
        del new[key]
    if renamed:
        gone = set(renamed.values()) - set(renamed)
        new = {renamed.get(key, key): item for key, item in new.items() if key not in gone}
    return new
