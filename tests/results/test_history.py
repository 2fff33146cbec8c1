"""Earlier runs by date: kept, thinned out, read back case by case."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from support.samples import failed, result, results

from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results import files, history
from tfjs_compat.results.case_result import Attempt, CaseResult
from tfjs_compat.results.files import read_results
from tfjs_compat.results.history import by_last_change, keep_run, kept_runs, last_complete_run, read_history

ERROR = result(verdict=Verdict.ERROR, stage=Stage.CONVERT, message="No space left")


def night(day: int, *cases: CaseResult, output: Path, keep: int = 30, complete: bool = True) -> None:
    keep_run(results(*cases, started=f"2026-11-{day:02d}T03:00:00+00:00", complete=complete), output, keep)


def test_the_newest_runs_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        night(day, result(), output=tmp_path, keep=3)
    assert [path.name for path in kept_runs(tmp_path)] == [f"2026-11-0{day}T030000Z.json.gz" for day in (3, 4, 5)]
    assert read_results(kept_runs(tmp_path)[0]).started == "2026-11-03T03:00:00+00:00"
    night(6, result(), output=tmp_path, keep=0)
    assert kept_runs(tmp_path) == []


def test_when_a_case_changed_last_and_how_often(tmp_path: Path) -> None:
    for day, case in enumerate([result(), failed(), ERROR, failed(), result()], 1):
        night(day, case, result(id="calm"), output=tmp_path)
    found = read_history(tmp_path)
    changed, calm = by_last_change(found)
    assert (changed.case, changed.changes, changed.changed) == ("mlp-layers", 2, "2026-11-05T03:00:00+00:00")
    assert [end.verdict for end in changed.ends] == ["works", "fails", "error", "fails", "works"]
    assert (calm.case, calm.changes, calm.changed, calm.seconds) == ("calm", 0, None, 4.5)
    assert len(read_history(tmp_path, most=2)["calm"].ends) == 2


def test_a_flaky_run_is_counted(tmp_path: Path) -> None:
    ends = [
        Attempt(Verdict.FAILS, Stage.LOAD, None, "x", "x", None),
        Attempt(Verdict.WORKS, Stage.PREDICT, None, None, "", None),
    ]
    night(1, result(attempts=tuple(ends)), output=tmp_path)
    night(2, result(attempts=(Attempt(Verdict.ERROR, Stage.LOAD, None, None, "x", None), ends[1])), output=tmp_path)
    assert read_history(tmp_path)["mlp-layers"].flaky == 1


def test_a_damaged_run_is_left_out(tmp_path: Path) -> None:
    night(1, result(), output=tmp_path)
    night(2, result(), output=tmp_path, complete=False)
    (tmp_path / "runs" / "2026-11-03T030000Z.json.gz").write_bytes(b"\x1f\x8bno")
    assert len(read_history(tmp_path)["mlp-layers"].ends) == 2
    last = last_complete_run(tmp_path)
    assert last is not None
    assert last.started == "2026-11-01T03:00:00+00:00"


def test_a_kept_run_that_unpacks_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(1, result(), output=tmp_path)
    (kept,) = kept_runs(tmp_path)
    assert len(read_history(tmp_path)["mlp-layers"].ends) == 1
    kept.write_bytes(gzip.compress(gzip.decompress(kept.read_bytes()) + b" " * (4 << 20)))
    assert len(read_history(tmp_path)["mlp-layers"].ends) == 1
    for module in (files, history):
        monkeypatch.setattr(module, "LARGEST", 1 << 20)
    assert read_history(tmp_path) == {}
    with pytest.raises(RequestError, match="cannot be read"):
        read_results(kept)


@pytest.mark.parametrize("started", ["", "../../x", "a/b"])
def test_no_time_leads_out_of_the_folder(started: str, tmp_path: Path) -> None:
    keep_run(results(result(), started=started), tmp_path)
    (path,) = kept_runs(tmp_path)
    assert path.parent == tmp_path / "runs"


def test_runs_of_one_second_are_all_kept_in_order(tmp_path: Path) -> None:
    for case in (result(), failed(), result()):
        night(1, case, output=tmp_path)
    assert [end.verdict for end in read_history(tmp_path)["mlp-layers"].ends] == ["works", "fails", "works"]
