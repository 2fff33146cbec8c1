"""The journal after many runs into one folder."""

from __future__ import annotations

from pathlib import Path

from support.samples import failed, result

from tfjs_compat.results.journal import JOURNAL, Journal, compact, read_journal


def test_a_compacted_journal_says_the_same(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for run in ("a", "b", "c"):
        journal.append(failed(id="x"), 1.0, run)
        journal.append(result(id="y"), 2.0, run)
    journal.append(result(id="x"), 3.0, "c")
    journal.close()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b"{damaged\nalso\xff\n")
    before = read_journal(tmp_path)
    compact(tmp_path)
    assert read_journal(tmp_path) == before
    assert list(read_journal(tmp_path).lines) == list(before.lines) == ["y", "x"]
    assert before.damaged == 2
    assert len((tmp_path / JOURNAL).read_bytes().splitlines()) == 4
    compact(tmp_path)
    assert read_journal(tmp_path) == before


def test_without_a_journal_there_is_nothing_to_compact(tmp_path: Path) -> None:
    compact(tmp_path)
    assert list(tmp_path.iterdir()) == []
