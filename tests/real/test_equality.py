"""Two layouts of an environment, and two ways to isolate a case: whatever is faster, the answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tfjs_compat.artifact.tensors import read_tensors
from tfjs_compat.matrix.models import zoo_models
from tfjs_compat.results.case_result import Results

pytestmark = pytest.mark.real

AXES = """
routes = ["layers", "graph"]
[axes]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
as_of = [2024-04-10]
"""
CORE = ["seed", "mlp", "multi_input", "subclassed", "attention"]


def answers(results: Results) -> dict[str, tuple[Any, ...]]:
    return {
        found.id: (found.verdict, found.stage, found.issues, found.signature, found.resolved, found.keras_in_use)
        for found in results.cases
    }


def compare(run_matrix: Callable[..., Results], tmp_path: Any, models: list[str]) -> None:
    matrix = f"models = {['zoo:' + name for name in models]}\n{AXES}"
    ways = [("linked", "fork"), ("linked", "process"), ("flat", "process")]
    runs = {
        way: run_matrix(matrix, output=tmp_path / "-".join(way), layout=way[0], isolation=way[1], fresh=True)
        for way in ways
    }
    reference = runs[ways[0]]
    assert len(reference.cases) == 2 * len(models)
    for way in ways[1:]:
        assert answers(runs[way]) == answers(reference), way
        for found in reference.cases:
            ours, theirs = (tmp_path / "-".join(names) / "cases" / found.trial for names in (ways[0], way))
            if (ours / "expected").is_dir():
                for tensor, other in zip(
                    read_tensors(ours / "expected"), read_tensors(theirs / "expected"), strict=True
                ):
                    assert tensor.name == other.name
                    assert tensor.values.tobytes() == other.values.tobytes(), (way, found.id)


def test_a_core_of_the_zoo(run_matrix: Callable[..., Results], tmp_path: Any) -> None:
    compare(run_matrix, tmp_path, CORE)


@pytest.mark.full
def test_all_of_the_zoo(run_matrix: Callable[..., Results], tmp_path: Any) -> None:
    compare(run_matrix, tmp_path, list(zoo_models()))


LEGACY = """
models = ["zoo:mlp", "zoo:cnn", "zoo:lstm"]
routes = ["graph"]
[axes]
tensorflow = ["2.16.1"]
tensorflowjs = ["4.17.0"]
as_of = [2024-04-10]
process_env = ["legacy-keras"]
"""


def test_what_the_server_rewrites_for_its_cases_changes_nothing(
    run_matrix: Callable[..., Results], tmp_path: Any
) -> None:
    runs = {
        way: run_matrix(LEGACY, output=tmp_path / way, isolation=way, fresh=True, jobs=1) for way in ("fork", "process")
    }
    assert answers(runs["fork"]) == answers(runs["process"])
    for found in runs["fork"].cases:
        for part in ("expected", "outputs"):
            ours, theirs = (
                tmp_path / way / "cases" / found.trial / part / "tensors.bin" for way in ("fork", "process")
            )
            assert ours.exists() == theirs.exists()
            assert not ours.exists() or ours.read_bytes() == theirs.read_bytes()
    first, *later = (found.seconds["serialize"] for found in runs["fork"].cases)
    assert min(later) < first / 2, "the second case had to rewrite everything again"
