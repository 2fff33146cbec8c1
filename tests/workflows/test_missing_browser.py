"""A requested browser that is missing is reported before anything is resolved, built or converted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import MachineryError
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.convert import convert
from tfjs_compat.workflows.find import find
from tfjs_compat.workflows.run import run

MISSING = r"no browser was found: .*\nhint: install Chromium, or check in Node\.js: --runtime node"


@pytest.fixture
def request_in_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRequest:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    # Nothing answers there: to read the index first would be another error.
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    return RunRequest(
        models=("zoo:mlp",), runtime="browser", output=tmp_path / "out", store=Store(tmp_path / "store"), jobs=1
    )


def test_run_asks_for_the_browser_first(request_in_browser: RunRequest) -> None:
    with pytest.raises(MachineryError, match=MISSING):
        run(request_in_browser)
    assert not (request_in_browser.output / "results.json").exists()


def test_find_and_convert_ask_for_the_browser_first(request_in_browser: RunRequest, tmp_path: Path) -> None:
    search = SearchRequest(model="zoo:mlp", run_options=request_in_browser)
    with pytest.raises(MachineryError, match=MISSING):
        find(search)
    with pytest.raises(MachineryError, match=MISSING):
        convert(search, tmp_path / "target")
    assert not (tmp_path / "target").exists()
