from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import combination, failed, result, results

from tfjs_compat.matrix.axes import Combination
from tfjs_compat.report import axes
from tfjs_compat.report.writers import find_writer

CHANGED = {
    "python": "3.12",
    "tensorflow": "2.17.1",
    "tensorflowjs": "4.22.0",
    "keras": "3.2.1",
    "extra": ("pandas",),
    "constraints": ("setuptools<81", "ydf<0.13"),
    "overrides": ("numpy<2",),
    "stand_ins": ("tensorflow-decision-forests",),
    "as_of": "2024-04-10",
    "process_env": "legacy-keras",
    "tfjs_runtime": "converter",
}


def test_every_axis_of_a_combination_has_words() -> None:
    assert {axis.name for axis in axes.AXES} == set(Combination.__struct_fields__)
    assert set(CHANGED) == set(Combination.__struct_fields__)
    for axis in axes.AXES:
        assert axes.in_words(combination(**CHANGED), axis)


def test_defaults_are_not_said() -> None:
    assert axes.facts(combination()) == {
        "TensorFlow": "2.16.1",
        "tensorflowjs": "4.17.0",
        "Python": "3.11",
        "as of": "today",
    }


@pytest.mark.parametrize("field", CHANGED)
def test_two_combinations_that_differ_on_an_axis_have_a_column(field: str) -> None:
    both = [combination(), combination(**{field: CHANGED[field]})]
    differing, shared = axes.compare(both, ["", ""])
    (column,) = differing
    assert len(set(column.values)) == 2
    assert not any(column.values[1] in text.split() for text in shared)


def test_what_all_share_is_said_once() -> None:
    _, shared = axes.compare([combination(**CHANGED)] * 2, ["3.2.1"] * 2)
    assert shared == [
        *("TensorFlow 2.17.1", "tensorflowjs 4.22.0", "Python 3.12", "Keras 3.2.1", "as of 2024-04-10"),
        "with legacy-keras +pandas setuptools<81 ydf<0.13 override numpy<2 no-tensorflow-decision-forests",
        "TensorFlow.js converter",
    ]


@pytest.mark.parametrize("name", ["terminal", "markdown", "html"])
@pytest.mark.parametrize("field", ["extra", "constraints", "overrides", "stand_ins", "process_env"])
def test_an_axis_reads_the_same_in_every_report(name: str, field: str) -> None:
    changed = combination(**{field: CHANGED[field]})
    (axis,) = (axis for axis in axes.AXES if axis.name == field)
    text = find_writer(name).render(results(result(), failed(combination=changed)))
    for escape, plain in (("&lt;", "<"), ("<wbr>", ""), ("`", "")):
        text = text.replace(escape, plain)
    assert axes.in_words(changed, axis) in text


@given(st.lists(st.sets(st.sampled_from(sorted(CHANGED))), min_size=1, max_size=6))
def test_columns_tell_any_combinations_apart(chosen: list[set[str]]) -> None:
    every = [msgspec.structs.replace(combination(), **{name: CHANGED[name] for name in names}) for names in chosen]
    differing, _ = axes.compare(every, [""] * len(every))
    rows = {tuple(column.values[at] for column in differing) for at in range(len(every))}
    assert len(rows) == len(set(every))
