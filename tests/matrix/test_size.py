from __future__ import annotations

import pytest

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import Axes
from tfjs_compat.matrix.schema import Include, Matrix
from tfjs_compat.matrix.size import require_feasible


def test_ten_million_cases_are_counted_and_not_made() -> None:
    axes = Axes(tensorflow=["2.15.0"], tensorflowjs=["4.17.0"], constraints=[[f"a<{n}"] for n in range(4000)])
    block = Include(as_of=[f"2020-01-{n}" for n in range(2500)])
    matrix = Matrix(name="m", models=["zoo:mlp"], axes=axes, include=[block])
    with pytest.raises(RequestError) as refused:
        require_feasible(matrix)
    assert str(refused.value) == (
        "m: it names 10,004,000 cases, and no more than 100,000 are planned\n"
        "hint: make its longest lists shorter: axes.constraints (4,000), include[0].as_of (2,500)"
    )


def test_ranges_count_as_their_releases() -> None:
    axes = Axes(tensorflow=[">=2"], tensorflowjs=["*", "4.17.0"], constraints=[[f"a<{n}"] for n in range(1000)])
    matrix = Matrix(models=["a", "b"], routes=["layers", "graph"], axes=axes)
    require_feasible(matrix)
    with pytest.raises(
        RequestError, match=r"names 204,000 cases(?s:.)*constraints \(1,000\), axes.tensorflowjs \(51\)"
    ):
        require_feasible(matrix, lambda package, text, date: 50 if text == "*" else 1)
