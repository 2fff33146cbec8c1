"""The cache key: equal for equal inputs, another for each thing that can change an outcome."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import case, interpreters

from tfjs_compat.engine import keys
from tfjs_compat.engine.keys import CacheKey, RunConditions, cache_key, changes, conditions
from tfjs_compat.engine.plan import Planned
from tfjs_compat.errors import RequestError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.store import Store

(PYTHON,) = interpreters("3.11.7")
LOCK = Lock("a" * 16, PYTHON.build, {"keras": "3.2.1"}, False, "# lock")
CONDITIONS = RunConditions(Stage.PREDICT, "node 22.1.0", "digest", ("avx", "avx2"), "code", "fork", "linked")
PLANNED = Planned(case(), PYTHON, LOCK, {"TF_USE_LEGACY_KERAS": "1"})
KEY = cache_key(PLANNED, LOCK, "4.22.0", CONDITIONS)
replace = msgspec.structs.replace


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(values_of, arguments))
    if arguments:
        return st.one_of(*map(values_of, arguments))
    if kind is bool:
        return st.booleans()
    return st.none() if kind is type(None) else st.text(max_size=5)


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in msgspec.structs.fields(kind)})


@given(structs(CacheKey), structs(CacheKey))
def test_keys_are_equal_exactly_where_the_values_are(first: CacheKey, other: CacheKey) -> None:
    assert (first.key == other.key) == (first == other)
    again = msgspec.json.decode(msgspec.json.encode(first), type=CacheKey)
    assert (again, again.key) == (first, first.key)


def paths(value: Any) -> Iterator[tuple[Callable[[Any], Any], str]]:
    """For each field of a struct and of the structs in it: a change of just that field, and its name."""
    hints = typing.get_type_hints(type(value))
    for field in msgspec.structs.fields(value):
        inner = getattr(value, field.name)
        if isinstance(inner, msgspec.Struct):
            for change, name in paths(inner):
                yield (
                    lambda whole, change=change, name=field.name: replace(
                        whole, **{name: change(getattr(whole, name))}
                    ),
                    f"{field.name}.{name}",
                )
        else:
            other = values_of(hints[field.name]).filter(lambda new, old=inner: new != old)
            yield lambda whole, name=field.name, other=other: replace(whole, **{name: draw(other)}), field.name


def draw(strategy: st.SearchStrategy[Any]) -> Any:
    found: list[Any] = []

    @given(strategy)
    def take(value: Any) -> None:
        found.append(value)

    take()
    return found[0]


FIELDS = list(paths(KEY))


@pytest.mark.parametrize("change", [change for change, _ in FIELDS], ids=[name for _, name in FIELDS])
def test_every_single_field_changes_the_key_and_is_named(change: Callable[[Any], Any]) -> None:
    other = change(KEY)
    assert other.key != KEY.key
    assert len(changes(KEY, other)) == 1
    assert changes(KEY, KEY) == []


@pytest.mark.parametrize(
    ("planned", "lock", "tfjs"),
    [
        (PLANNED, replace(LOCK, id="b" * 16), "4.22.0"),
        (PLANNED, LOCK, "4.17.0"),
        (replace(PLANNED, case=case(route="graph")), LOCK, "4.22.0"),
        (replace(PLANNED, variables={}), LOCK, "4.22.0"),
        (replace(PLANNED, variables={"TF_USE_LEGACY_KERAS": "0"}), LOCK, "4.22.0"),
        (replace(PLANNED, python=replace(PYTHON, version="3.11.9")), LOCK, "4.22.0"),
        (replace(PLANNED, python=replace(PYTHON, platform="linux-aarch64")), LOCK, "4.22.0"),
        (replace(PLANNED, python=replace(PYTHON, executable="/another/bin/python")), LOCK, "4.22.0"),
    ],
)
def test_each_part_of_a_case_changes_the_key(planned: Planned, lock: Lock, tfjs: str) -> None:
    assert cache_key(planned, lock, tfjs, CONDITIONS).key != KEY.key


def with_model(**fields: Any) -> str:
    model = replace(PLANNED.case.model, **fields)
    return cache_key(replace(PLANNED, case=replace(PLANNED.case, model=model)), LOCK, "4.22.0", CONDITIONS).key


NAMES_ONLY = {"key": "other", "ref": "other", "name": "other", "path": "/other", "search": ("/other",)}
FROM_CONTENT = {"is_keras": False}
"""Read from what the digest covers."""


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(Model)])
def test_of_a_model_the_content_counts_not_its_place(field: str) -> None:
    no_part = {**NAMES_ONLY, **FROM_CONTENT}
    value = no_part.get(field, Kind.KERAS if field == "kind" else "other")
    assert (with_model(**{field: value}) == KEY.key) == (field in no_part)


def test_the_order_of_variables_does_not_count() -> None:
    first = replace(PLANNED, variables={"A": "1", "B": "2"})
    other = replace(PLANNED, variables={"B": "2", "A": "1"})
    assert cache_key(first, LOCK, "4.22.0", CONDITIONS) == cache_key(other, LOCK, "4.22.0", CONDITIONS)


def test_the_content_and_kind_of_inputs_count(tmp_path: Path) -> None:
    store, file, other = Store(tmp_path / "store"), tmp_path / "inputs.npz", tmp_path / "inputs.npy"
    file.write_bytes(b"1")
    other.write_bytes(b"1")
    before = conditions(store, Stage.PREDICT, "node", file)
    assert conditions(store, Stage.PREDICT, "node", file) == before
    assert conditions(store, Stage.PREDICT, "node", other) != before
    file.write_bytes(b"2")
    assert conditions(store, Stage.PREDICT, "node", file) != before
    file.unlink()
    with pytest.raises(RequestError, match=r"inputs\.npz"):
        conditions(store, Stage.PREDICT, "node", file)


def test_conditions_are_those_of_this_machine_and_code(tmp_path: Path) -> None:
    made = conditions(Store(tmp_path), Stage.PREDICT, "node", isolation="process", layout="flat")
    assert made.cpu == keys.cpu_features()
    assert len(made.code) == 64
    assert (made.isolation, made.layout) == ("process", "flat")


@pytest.mark.parametrize(("kind", "texts"), [(CacheKey, keys._CHANGES), (RunConditions, keys._CONDITION_CHANGES)])
def test_every_field_has_its_text(kind: type[msgspec.Struct], texts: dict[str, str]) -> None:
    fields = {field.name for field in msgspec.structs.fields(kind)}
    assert fields == {*texts, "conditions" if kind is CacheKey else "tfjs_runtime"}
