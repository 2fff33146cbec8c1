"""Locks that are certain to run into a known issue."""

from __future__ import annotations

import pytest

from tfjs_compat.diagnosis.certain import certain_issue

HUB = {"tensorflow-hub": "0.16.1", "tensorflowjs": "4.22.0"}


@pytest.mark.parametrize(
    ("packages", "id"),
    [
        ({**HUB, "setuptools": "82.0.0"}, "pkg-resources-gone"),
        ({**HUB, "setuptools": "80.9.0"}, None),
        ({**HUB, "setuptools": "no version"}, None),
        ({"setuptools": "82.0.0", "tensorflowjs": "4.22.0"}, None),
    ],
)
def test_every_range_of_an_issue_has_to_hold(packages: dict[str, str], id: str | None) -> None:
    issue = certain_issue(packages, "3.11.7")
    assert (issue.id if issue is not None else None) == id
