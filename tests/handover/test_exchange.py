"""Two folders change places in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat.handover.exchange import exchange_folders


def test_two_folders_change_places(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / folder.name).touch()
    if not exchange_folders(first, second):
        pytest.skip("this file system cannot exchange two folders")
    assert [path.name for path in first.iterdir()] == ["second"]
    assert [path.name for path in second.iterdir()] == ["first"]


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    if not exchange_folders(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot exchange two folders")
    with pytest.raises(FileNotFoundError):
        exchange_folders(tmp_path / "a", tmp_path / "nowhere")
    assert (tmp_path / "a").is_dir()
