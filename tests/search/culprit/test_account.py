"""What surrounds a culprit."""

from __future__ import annotations

import pytest

from tfjs_compat.environments.distributions import Distribution
from tfjs_compat.search.culprit.account import avoiding_constraint, caps, links_of, repository_of, requirers_of
from tfjs_compat.search.culprit.dependencies import EndPackages
from tfjs_compat.search.culprit.explanation import Culprit, Requirer

SETUPTOOLS = Culprit("package", "setuptools", "81.0.0", "82.0.0")


def test_who_requires_a_package_and_whether_it_is_capped() -> None:
    lines = {"tensorflow": ("setuptools",), "tensorboard": ("setuptools>=41.0.0",), "jax": ("setuptools<81,>=1",)}
    end = EndPackages({name: Distribution(name, "1.0", lines[name]) for name in lines}, "3.11.7")
    end.distributions["setuptools"] = Distribution("setuptools", "82.0.0")  # type: ignore[index]
    found = requirers_of("setuptools", end)
    assert [(one.package, one.range) for one in found] == [
        ("jax", ">=1,<81"),
        ("tensorboard", ">=41.0.0"),
        ("tensorflow", ""),
    ]
    assert [caps(one) for one in found] == [True, False, False]


@pytest.mark.parametrize(("range", "capped"), [("~=1.2", True), ("==1.*", True), (">1,!=2", False), ("", False)])
def test_what_caps_a_package(range: str, capped: bool) -> None:
    assert caps(Requirer("a", "1", range)) is capped


def test_links_lead_to_the_release_and_to_the_difference_of_the_sources() -> None:
    there = Distribution("setuptools", "82.0.0", urls={"Source": "https://github.com/pypa/setuptools"})
    assert links_of(SETUPTOOLS, there) == {
        "release": "https://pypi.org/project/setuptools/82.0.0/",
        "source": "https://github.com/pypa/setuptools/compare/v81.0.0...v82.0.0",
    }
    assert list(links_of(SETUPTOOLS, None)) == ["release"]
    assert links_of(Culprit("process_env", "X", "1", None), there) == {}
    assert links_of(Culprit("package", "a+b", "1+1", "2+2"), there) == {}


@pytest.mark.parametrize(
    ("urls", "repository"),
    [
        ({"Homepage": "https://keras.io/", "Repository": "https://github.com/keras-team/keras"}, "keras-team/keras"),
        ({"Bug Tracker": "https://github.com/a/b/issues"}, "a/b"),
        ({"homepage": "http://www.github.com/a/b.git"}, "a/b"),
        ({"Homepage": "https://example.org/github.com/a/b"}, None),
        ({}, None),
    ],
)
def test_the_repository_is_the_one_of_the_metadata(urls: dict[str, str], repository: str | None) -> None:
    assert repository_of(urls) == (f"https://github.com/{repository}" if repository else None)


@pytest.mark.parametrize(
    ("good", "bad", "constraint"),
    [
        ("81.0.0", "82.0.0", "p<82.0.0"),
        ("3.3.1", "3.2.1", "p>=3.3.1"),
        ("1.0", None, "p==1.0"),
        (None, "1.0", None),
    ],
)
def test_the_constraint_that_avoids_the_bad_releases(good: str | None, bad: str | None, constraint: str | None) -> None:
    assert avoiding_constraint(Culprit("package", "p", good, bad)) == constraint
