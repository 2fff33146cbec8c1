"""Which changes come with which."""

from __future__ import annotations

from tfjs_compat.environments.distributions import Distribution
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.dependencies import Dependencies, EndPackages, demands


def end(*packages: tuple[str, ...], python: str = "3.11.7", runs_on: dict[str, str] | None = None) -> EndPackages:
    """An end by (name, version, requirements…)."""
    made = {
        name: Distribution(name, version, tuple(requires), (runs_on or {}).get(name, ""))
        for name, version, *requires in packages
    }
    return EndPackages(made, python)


def change(name: str, good: str | None = "1", bad: str | None = "2") -> Change:
    return Change("package", name, good, bad)


A, B, C = change("a"), change("b"), change("c")


def test_packages_without_bounds_move_alone() -> None:
    good, bad = end(("a", "1", "b"), ("b", "1")), end(("a", "2", "b>=1"), ("b", "2"))
    assert Dependencies([A, B], good, bad).groups() == ((A,), (B,))


def test_a_new_version_brings_what_it_requires() -> None:
    good, bad = end(("a", "1", "b"), ("b", "1")), end(("a", "2", "b>=2"), ("b", "2"))
    made = Dependencies([A, B], good, bad)
    assert made.closure([A]) == (A, B)
    assert made.closure([B]) == (B,)
    assert made.groups() == ((A,), (B,))


def test_an_old_version_that_caps_another_has_to_go_with_it() -> None:
    good, bad = end(("a", "1", "b<2"), ("b", "1")), end(("a", "2", "b"), ("b", "2"))
    made = Dependencies([A, B], good, bad)
    assert made.closure([B]) == (A, B)
    assert made.closure([A]) == (A,)


def test_exact_pins_make_a_group() -> None:
    good, bad = end(("a", "1"), ("b", "1", "a==1"), ("c", "1")), end(("a", "2"), ("b", "2", "a==2"), ("c", "2"))
    assert Dependencies([A, B, C], good, bad).groups() == ((A, B), (C,))


def test_what_is_added_comes_with_its_requirer_and_what_is_removed_goes_with_it() -> None:
    new, gone = change("new", None, "1"), change("gone", "1", None)
    good, bad = end(("a", "1", "gone"), ("gone", "1")), end(("a", "2", "new"), ("new", "1"))
    made = Dependencies([A, gone, new], good, bad)
    assert made.closure([A]) == (A, new)
    assert made.closure([gone]) == (A, gone, new)
    assert made.closure([new]) == (new,)


def test_what_the_ends_violate_themselves_binds_nobody() -> None:
    good, bad = end(("a", "1", "b<0.5"), ("b", "1")), end(("a", "2", "b>5"), ("b", "2"))
    assert Dependencies([A, B], good, bad).groups() == ((A,), (B,))


def test_a_version_that_does_not_run_on_the_other_python_comes_with_it() -> None:
    python = Change("python", "python", "3.9.1", "3.12.0")
    good = end(("a", "1"), ("b", "1"), python="3.9.1")
    bad = end(("a", "2"), ("b", "2"), python="3.12.0", runs_on={"b": ">=3.10"})
    made = Dependencies([A, B, python], good, bad)
    assert made.closure([B]) == (B, python)
    assert made.closure([A]) == (A,)


def test_only_requirements_whose_marker_holds_count() -> None:
    lines = ("b>=2; python_version < '3.8'", "c>=2; extra == 'more'")
    assert list(demands(end(("a", "2", *lines)))) == []
    asked = end(("a", "2", *lines), ("x", "1", "a[more]"))
    assert [(demand.by, demand.of) for demand in demands(asked)] == [("a", "c"), ("x", "a")]
