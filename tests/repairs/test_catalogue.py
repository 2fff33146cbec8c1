"""The catalogue of repairs."""

from __future__ import annotations

from tfjs_compat.checks.catalogue import FINDINGS
from tfjs_compat.repairs.catalogue import REPAIRS


def test_catalogue_names_findings_that_exist_and_repairs_once() -> None:
    assert len({repair.id for repair in REPAIRS}) == len(REPAIRS)
    for repair in REPAIRS:
        assert set(repair.cures) <= set(FINDINGS), repair.id
        assert repair.title
        assert repair.versions
        assert repair.formats
