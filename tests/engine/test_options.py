"""What is the same for every case of a run."""

from __future__ import annotations

import pytest

from tfjs_compat.engine.options import memory_limit


@pytest.mark.parametrize(("total", "jobs"), [(2 << 30, 1), (4 << 30, 1), (4 << 30, 2), (64 << 30, 8)])
def test_a_cases_memory_limit_is_below_what_there_is(total: int, jobs: int) -> None:
    assert 0.7 * total / jobs < memory_limit(jobs, total) < total
