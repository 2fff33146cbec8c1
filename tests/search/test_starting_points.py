"""Where a search starts and what it may change. Nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.samples import interpreters, release

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import LeftOut, expand
from tfjs_compat.matrix.models import find_model
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints, plan_search

FOUND = interpreters("3.11.7", "3.13.1")
RELEASES = {
    "tensorflow": tuple(
        release(version, tags="cp311 cp313" if version >= "2.20" else "cp311")
        for version in ("2.15.0", "2.15.1", "2.16.1", "2.19.0", "2.19.1", "2.21.0")
    ),
    "tensorflowjs": tuple(release(version, tags="py3") for version in ("4.10.0", "4.17.0", "4.22.0")),
}


def points(**request: Any) -> StartingPoints:
    def expanded(matrix: Matrix) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
        found = expand(matrix, RELEASES, FOUND, lambda ref: find_model(ref, Path.cwd()))
        return found.cases, found.left_out

    return plan_search(SearchRequest(**{"model": "zoo:seed", **request}), RELEASES, FOUND, expanded)


def versions(given: StartingPoints) -> set[tuple[str, str]]:
    return {(root.combination.tensorflow, root.combination.tensorflowjs) for root in given.roots}


def test_by_default_the_latest_patches_and_two_converters() -> None:
    given = points()
    assert versions(given) == {
        (tensorflow, tensorflowjs)
        for tensorflow in ("2.15.1", "2.16.1", "2.19.1", "2.21.0")
        for tensorflowjs in ("4.17.0", "4.22.0")
    }
    assert {root.route.name for root in given.roots} == {"layers", "graph"}
    assert given.policy.patches["2.19.1"] == ("2.19.0",)
    assert given.policy.patches["2.21.0"] == ()
    assert "TensorFlow 2.15.1, 2.16.1, 2.19.1, 2.21.0" in given.limits


def test_requirements_are_limits() -> None:
    given = points(require=("tensorflow>=2.16", "tensorflow<2.20", "TensorFlowJS==4.10.0", "keras>=3", "numpy<2"))
    assert versions(given) == {("2.16.1", "4.10.0"), ("2.19.1", "4.10.0")}
    assert {(root.combination.extra, root.combination.constraints) for root in given.roots} == {
        (("keras>=3",), ("numpy<2",))
    }
    assert given.policy.keras == ">=3"
    exact = points(require=("tensorflow==2.19.1",))
    assert versions(exact) == {("2.19.1", "4.17.0"), ("2.19.1", "4.22.0")}
    assert exact.policy.patches == {"2.19.1": ()}


def test_a_tensorflow_without_a_wheel_is_left_out_and_named() -> None:
    given = points(python=("3.13",))
    assert {tensorflow for tensorflow, _ in versions(given)} == {"2.21.0"}
    assert LeftOut("TensorFlow 2.16.1", "it has no wheel for Python 3.13") in given.left_out
    with pytest.raises(
        RequestError, match=r"nothing to look at: TensorFlow 2\.16\.1: it has no wheel for Python 3\.13"
    ):
        points(python=("3.13",), require=("tensorflow==2.16.1",))


def test_what_the_user_has_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("tensorflow==2.15.0\ntensorflowjs==4.10.0\npandas==2.2\n")
    given = points(installed_from=str(tmp_path / "mine.txt"), required_packages=("pillow",))
    assert ("2.15.0", "4.10.0") in versions(given)
    assert {root.combination.extra for root in given.roots} == {("pillow", "pandas")}
    assert given.policy.required_packages == {"pillow"}
    outside = points(installed_from=str(tmp_path / "mine.txt"), require=("tensorflow>=2.16",))
    assert "2.15.0" not in {tensorflow for tensorflow, _ in versions(outside)}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"require": ("tensorflow>>2",)}, "--require: 'tensorflow>>2' is not a valid requirement"),
        ({"require": ("tensorflow==2.99.0",)}, "tensorflow: "),
        ({"require": ("tensorflow @ https://example.org/x.whl",)}, "'tensorflow' is given with a URL"),
        ({"require": ("numpy @ https://me:secret@example.org/x.whl",)}, "'numpy' is given with a URL"),
        ({"require": ("tensorflow[and-cuda]>=2.16",)}, "'tensorflow' is given with extras"),
        ({"require": ('tensorflow>=2.16; python_version < "3"',)}, "'tensorflow' is given with a marker"),
        ({"required_packages": ("pillow @ https://example.org/x.whl",)}, "--with: 'pillow' is given with a URL"),
        ({"required_packages": ("not a name",)}, "--with: 'not a name' is not a valid requirement"),
        ({"routes": ("grph",)}, "did you mean 'graph'"),
        ({"python": ("three",)}, "not a Python version"),
        ({"as_of": "yesterday"}, "neither a date"),
        ({"installed_from": "/nowhere/x.txt"}, "there is no such file"),
    ],
)
def test_a_wrong_request_is_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as raised:
        points(**limits)
    assert message in str(raised.value)
