"""The seed matrix over threads and over processes: the same results, byte for byte apart from times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tfjs_compat import api
from tfjs_compat.results.case_result import Results
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.real


def without_times(results: Results) -> list[dict[str, Any]]:
    cases = [msgspec.to_builtins(case) for case in results.cases]
    return [{key: value for key, value in case.items() if key not in ("seconds", "cached")} for case in cases]


@pytest.fixture(scope="module")
def over_threads(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Results:
    output = tmp_path_factory.mktemp("threads") / "out"
    return api.run(api.RunRequest(matrix="seed", store=store, output=output, fresh=True))


def test_processes_come_to_what_threads_come_to(store: Store, over_threads: Results, tmp_path: Path) -> None:
    request = api.RunRequest(
        matrix="seed", store=store, output=tmp_path / "out", fresh=True, executor="processes", jobs=2
    )
    over_processes = api.run(request)
    assert over_processes.complete
    assert without_times(over_processes) == without_times(over_threads)
    assert without_times(api.read_results(tmp_path / "out")) == without_times(over_processes)
