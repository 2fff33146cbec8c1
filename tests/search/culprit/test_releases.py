"""The releases between two versions."""

from __future__ import annotations

import pytest
from support.samples import release

from tfjs_compat.search.culprit.releases import later_date, upload_day, versions_between

ALL = "py3"
RELEASES = (
    release("1.0", "2024-01-01", ALL),
    release("1.1", "2024-02-01", ALL),
    release("1.2", "2024-03-01", ALL, yanked=True),
    release("1.3rc1", "2024-03-10", ALL),
    release("1.10", "2024-04-01", ALL),
    release("2.0", "2024-05-01", "cp39 cp310"),
    release("2.1", "2024-06-01", "cp312"),
    release("2.2", "2025-01-01", ALL),
    release("3.0", "2025-06-01", ALL),
)


@pytest.mark.parametrize(
    ("good", "bad", "between"),
    [
        ("1.0", "3.0", ("1.1", "1.10", "2.0", "2.2")),
        ("3.0", "1.0", ("2.2", "2.0", "1.10", "1.1")),
        ("1.1", "1.10", ()),
        ("1.2", "1.3rc1", ()),
        ("1.1", "1.3rc1", ()),
    ],
)
def test_versions_between_two_in_order(good: str, bad: str, between: tuple[str, ...]) -> None:
    assert versions_between(good, bad, RELEASES, "today", "3.11") == (good, *between, bad)


def test_prereleases_count_where_an_end_is_one() -> None:
    assert versions_between("1.1rc1", "1.10", RELEASES, "today", "3.11") == ("1.1rc1", "1.1", "1.3rc1", "1.10")


def test_what_came_after_the_date_is_left_out() -> None:
    assert versions_between("1.0", "3.0", RELEASES, "2024-05-31", "3.11") == ("1.0", "1.1", "1.10", "2.0", "3.0")


def test_the_later_of_two_dates() -> None:
    assert later_date("2024-01-01", "2025-01-01") == "2025-01-01"
    assert later_date("2024-01-01", "today") == "today"


def test_the_day_of_a_version() -> None:
    assert upload_day("1.10.0", RELEASES) == "2024-04-01"
    assert upload_day("9", RELEASES) is None
    assert upload_day(None, RELEASES) is None
