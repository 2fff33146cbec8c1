"""Subclassed models, which take what they were called with, and what else people bring, at a new TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.samples import ROOT

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import Results

pytestmark = pytest.mark.real

MODELS = (ROOT / "tests" / "data" / "public_models" / "notebooks.py").read_text("utf-8")
MATRIX = """
models = [{models}]
routes = ["{route}"]

[axes]
tensorflow = ["2.19.0"]
tensorflowjs = ["4.22.0"]
as_of = [2026-11-20]
constraints = [["setuptools<81", "ydf<0.13"]]
"""


def run(run_matrix: Callable[..., Results], route: str, *names: str) -> Results:
    models = ", ".join(f'"notebooks.py:{name}"' for name in names)
    return run_matrix(MATRIX.format(models=models, route=route), {"notebooks.py": MODELS})


def test_a_subclassed_model_takes_what_it_was_called_with(run_matrix: Callable[..., Results]) -> None:
    found = run(run_matrix, "graph", "word2vec", "recommender")
    for case in found.cases:
        assert case.verdict is Verdict.WORKS, (case.model, case.message)
    reference = {case.model: case.reference for case in found.cases}["notebooks.py:recommender"]
    assert reference is not None
    assert {(each.name, each.dtype) for each in reference.inputs} == {
        ("user", "int32"),
        ("item", "int32"),
        ("price", "float32"),
    }
    assert reference.export is not None
    assert reference.export.call.startswith("model({'user': inputs[0]")


@pytest.mark.full
@pytest.mark.parametrize(
    ("route", "names"),
    [
        ("graph", ("closure",)),
        ("graph+repair", ("translation_step", "dueling", "mfcc")),
        ("graph+rewrite", ("vae", "counter")),
        ("graph+rewrite+repair", ("kalman",)),
        ("graph+repair+skip-op-check", ("messages", "focus")),
    ],
)
def test_what_people_bring_works(run_matrix: Callable[..., Results], route: str, names: tuple[str, ...]) -> None:
    for case in run(run_matrix, route, *names).cases:
        assert case.verdict is Verdict.WORKS, (case.model, case.message)
