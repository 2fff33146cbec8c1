"""Digests of files: holes of terabytes are not read, and whoever waits can end it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tfjs_compat.errors import Interrupted
from tfjs_compat.matrix.models import find_model
from tfjs_compat.system.digests import digest_files

TERABYTE = 1 << 40


def hollow(path: Path, size: int, *data: tuple[int, bytes]) -> Path:
    """A file of one size that holds data at some places, and holes elsewhere."""
    with path.open("wb") as file:
        for at, content in data:
            file.seek(at)
            file.write(content)
        file.truncate(size)
    return path


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="the system does not say where holes are")
def test_what_is_written_in_a_hollow_file_counts_and_where(tmp_path: Path) -> None:
    files = [
        hollow(tmp_path / "empty", TERABYTE),
        hollow(tmp_path / "longer", TERABYTE + 1),
        hollow(tmp_path / "start", TERABYTE, (0, b"start")),
        hollow(tmp_path / "other", TERABYTE, (0, b"other")),
        hollow(tmp_path / "middle", TERABYTE, (TERABYTE // 2, b"start")),
        hollow(tmp_path / "end", TERABYTE, (TERABYTE - 5, b"start")),
        hollow(tmp_path / "both", TERABYTE, (0, b"start"), (TERABYTE - 5, b"start")),
    ]
    digests = [digest_files([("a", path)]) for path in files]
    assert len(set(digests)) == len(files)
    again = hollow(tmp_path / "again", TERABYTE, (TERABYTE // 2, b"start"))
    assert digest_files([("a", again)]) == digests[4]


def test_a_copy_without_the_holes_is_the_same_file(tmp_path: Path) -> None:
    file = hollow(tmp_path / "file", 8 << 20, (3 << 20, b"data"))
    copy = tmp_path / "copy"
    copy.write_bytes(file.read_bytes())
    assert digest_files([("a", file)]) == digest_files([("a", copy)])


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_model_is_read_for_as_long_as_is_waited(tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        (tmp_path / "m" / "variables").mkdir(parents=True)
        (tmp_path / "m" / "saved_model.pb").write_bytes(b"x")
        (tmp_path / "m" / "variables" / "variables.data").write_bytes(bytes(8 << 20))
    else:
        (tmp_path / "m").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(8 << 20))
    asked = 0

    def go_on() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        find_model("m", tmp_path, go_on)
    assert asked == 3
    assert find_model("m", tmp_path).digest
