"""Keys and names of combinations: what counts for them and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.matrix.axes import AXES, Axes, Axis, Combination, Match
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import find_model
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.system.text import file_name

LINES = st.lists(st.sampled_from(["setuptools<81", "ydf<0.13", "numpy<2", "jax==0.4.21"]), max_size=4)


def combination(**axes: Any) -> Combination:
    return Combination(**{"python": "3.11", "tensorflow": "2.16.1", "tensorflowjs": "4.17.0", **axes})


class Gravity(Combination, frozen=True):
    """Combinations of a tool that has one more axis."""

    gravity: str = "earth"


def test_a_new_axis_changes_no_key() -> None:
    axes = (*AXES, Axis("gravity", "choice", "gravity", "under", default="earth"))
    old = combination(constraints=("setuptools<81",), as_of="2024-04-10")
    new = msgspec.convert(msgspec.to_builtins(old), Gravity)
    assert new.key(axes) == old.key()
    on_the_moon = msgspec.structs.replace(new, gravity="moon")
    assert on_the_moon.key(axes) == sorted([*old.key(), ("gravity", "moon")])


@given(LINES, LINES)
def test_order_and_spelling_of_lists_do_not_count(first: list[str], second: list[str]) -> None:
    plain = combination(constraints=(*first, *second))
    other = combination(constraints=tuple(f" {line.replace('<', ' < ')}" for line in (*second, *first)))
    assert plain.key() == other.key()


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis.name != "python"], ids=lambda axis: axis.name)
def test_every_choice_beside_the_default_changes_the_key(axis: Axis) -> None:
    changed = ("other",) if axis.is_list else "2.99.0"
    assert combination(**{axis.name: changed}).key() != combination().key()


def test_structs_have_the_axes_of_the_table() -> None:
    names = {axis.name for axis in AXES}
    assert names == set(Axes.__struct_fields__) == set(Combination.__struct_fields__)
    assert set(Match.__struct_fields__) - {"model", "route"} < names


def test_one_model_in_several_spellings_is_one_case(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "train.py").write_text("def build(): pass\n")
    spellings = ["train.py:build", "./train.py:build", "sub/../train.py:build", f"{tmp_path}/train.py:build"]
    cases = [Case(combination(), find_model(ref, tmp_path), find_route("layers")) for ref in spellings]
    assert len({case.id for case in cases}) == 1
    assert cases[0].model.key == "train.py:build"


@given(st.text())
def test_a_safe_name_stays_in_its_folder(text: str) -> None:
    name = file_name(text)
    assert name
    assert "/" not in name
    assert name not in (".", "..")
    assert "\0" not in name


@given(st.text(min_size=1))
def test_a_short_name_is_fit_for_a_file(text: str) -> None:
    slug = combination(process_env=text, as_of=text, constraints=(text,)).slug()
    assert not set(slug) & set("/\\\0\n ")
