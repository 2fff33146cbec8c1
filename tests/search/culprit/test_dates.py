"""The days on which a resolver's answer can have changed."""

from __future__ import annotations

from support.samples import release

from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.dates import day_before, release_days
from tfjs_compat.search.culprit.suspicion import Evidence

A, B = Change("package", "a", "1.0", "3.0"), Change("package", "b", "1.0", "1.1")
RELEASES = {
    "a": (
        release("1.0", "2024-01-01"),
        release("2.0", "2024-03-01"),
        release("2.0.1", "2024-03-05", yanked=True),
        release("3.0", "2024-05-01"),
        release("4.0", "2025-01-01"),
    ),
    "b": (release("1.0", "2024-02-01"), release("1.1", "2024-03-01"), release("1.2", None)),
    "unchanged": (release("1.0", "2024-04-01"),),
}


def test_only_days_on_which_what_differs_was_released() -> None:
    days, weights = release_days("2024-02-01", "2024-06-30", {A: 100.0, B: 1.0}, RELEASES, Evidence())
    assert days == ("2024-02-01", "2024-03-01", "2024-05-01", "2024-06-30")
    assert len(weights) == 3
    assert min(weights) > 0


def test_days_of_the_suspect_weigh_more() -> None:
    _, (march, may, _) = release_days("2024-02-01", "2024-06-30", {A: 1.0, B: 100.0}, RELEASES, Evidence())
    assert march > may


def test_the_last_day_may_be_one_of_them_or_today() -> None:
    assert release_days("2024-02-01", "2024-05-01", {A: 1.0}, RELEASES, Evidence()).days[-2:] == (
        "2024-03-01",
        "2024-05-01",
    )
    assert release_days("2024-04-01", "today", {A: 1.0}, RELEASES, Evidence()).days == (
        "2024-04-01",
        "2024-05-01",
        "2025-01-01",
        "today",
    )
    assert release_days("2024-04-01", "2024-04-02", {}, {}, Evidence()).days == ("2024-04-01", "2024-04-02")


def test_the_day_before() -> None:
    assert day_before("2024-03-01") == "2024-02-29"
    assert day_before("today") > "2026-01-01"
