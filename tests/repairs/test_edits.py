"""Edits of a parsed model.json."""

from __future__ import annotations

from tfjs_compat.repairs.edits import Drop, Put, Rename, edited


def test_edits() -> None:
    value = {"a": [1, {"b": 2, "c": None, "d": 4}, 3], "e": 5}
    edits = [Rename(("a", 1, "b"), "c"), Drop(("a", 0)), Put(("a", 1, "d"), 7), Put(("f",), 6)]
    assert edited(value, edits) == {"a": [{"c": 2, "d": 7}, 3], "e": 5, "f": 6}
    assert value == {"a": [1, {"b": 2, "c": None, "d": 4}, 3], "e": 5}
    assert edited([1], [Put((1,), 2)]) == [1, 2]
