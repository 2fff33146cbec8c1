"""What is said of inputs that are not the model's."""

from __future__ import annotations

import pytest

from tfjs_compat.outcomes.wrong_inputs import Array, Problem, WrongInputs

IMAGE = Array("image", "float32", (None, 4, 4, 1))
META = Array("meta", "int32", (None, 2))


def wrong(problem: Problem, name: str, *given: Array) -> WrongInputs:
    return WrongInputs(problem, name, given, (IMAGE, META))


@pytest.mark.parametrize(
    ("found", "reason", "hint"),
    [
        (
            wrong(Problem.UNKNOWN, "imgae", Array("imgae", "float32", (3, 4, 4, 1))),
            "array 'imgae': no input has this name; M takes image (float32 [?, 4, 4, 1]), meta (int32 [?, 2])",
            "did you mean 'image'?",
        ),
        (
            wrong(Problem.MISSING, "meta", Array("image", "float32", (3, 4, 4, 1))),
            "no array 'meta'; there is image (float32 [3, 4, 4, 1]), and M takes",
            "numpy.savez(FILE, image=…, meta=…)",
        ),
        (wrong(Problem.COUNT, "arr_0", Array("arr_0", "float32", (3,))), "arrays by number, 1 of them; M takes", ""),
        (
            wrong(Problem.SHAPE, "image", Array("image", "float32", (4, 4, 1))),
            "array 'image' is float32 [4, 4, 1]; M takes",
            "the first axis is that of rows: numpy.savez(FILE, image=array[None])",
        ),
        (wrong(Problem.SHAPE, "image", Array("image", "float32", (3, 5, 5, 1))), "array 'image' is", ""),
        (
            wrong(Problem.DTYPE, "meta", Array("meta", "float64", (3, 2))),
            "array 'meta': its float64 values are others in the input's dtype; M takes",
            "",
        ),
        (wrong(Problem.DTYPE, "meta", Array("meta", "string", (3, 2))), "array 'meta' is string [3, 2]; M takes", ""),
    ],
)
def test_a_sentence_and_the_way_out(found: WrongInputs, reason: str, hint: str) -> None:
    assert found.reason("M").startswith(reason)
    assert found.hint() == hint


def test_a_hostile_name_stays_short() -> None:
    found = wrong(Problem.UNKNOWN, "x" * 10_000, *(Array("y" * 10_000, "z" * 10_000, (1,) * 1000) for _ in range(99)))
    assert len(found.reason("M")) < 1000
    assert len(found.hint()) < 200
