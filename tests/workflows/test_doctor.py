from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.samples import SmallIndex

from tfjs_compat.cli import doctor_command
from tfjs_compat.index.releases import fetch_releases
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.doctor import doctor


@pytest.mark.parametrize(
    ("says", "found"),
    [
        (None, "no browser was found: no chromium, "),
        ("exit 7", "exit code 7"),
    ],
)
def test_a_browser_is_needed_only_where_it_is_to_run(
    tmp_path: Path, small_index: SmallIndex, monkeypatch: pytest.MonkeyPatch, says: str | None, found: str
) -> None:
    store, programs = Store(tmp_path / "store"), tmp_path / "bin"
    programs.mkdir()
    if says is not None:
        (programs / "chromium").write_text(f"#!/bin/sh\n{says}\n")
        (programs / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    for runtime, status in (("node", "note"), ("browser", "bad")):
        (browser,) = [finding for finding in doctor(store, runtime) if finding.what == "browser"]
        assert browser.status == status
        assert found in browser.says
        assert "\n" not in browser.says


def test_the_index_is_asked_and_not_what_was_kept_of_it(tmp_path: Path, small_index: SmallIndex) -> None:
    store = Store(tmp_path / "store")
    small_index.add("tensorflowjs", "4.17.0")
    assert fetch_releases("tensorflowjs", store)
    small_index.files.clear()
    (index,) = [finding for finding in doctor(store, "node") if finding.what == "package index"]
    assert index.status == "bad"


def test_a_missing_browser_stops_who_asks_for_it(
    tmp_path: Path, small_index: SmallIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TFJS_COMPAT_CACHE", str(tmp_path / "store"))
    ran = CliRunner().invoke(doctor_command.doctor, ["--runtime", "browser"])
    assert ran.exit_code == 3
    assert "browser" in ran.output.splitlines()[-1]


def test_a_browser_that_runs_is_named(tmp_path: Path, small_index: SmallIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\necho Chromium 131.0.6778.85\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (browser,) = [finding for finding in doctor(Store(tmp_path / "store"), "browser") if finding.what == "browser"]
    assert (browser.status, browser.says) == ("ok", "Chromium 131.0.6778.85 (for --runtime browser)")
