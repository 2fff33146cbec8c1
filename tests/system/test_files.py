"""Files and folders that are whole or not there, whatever interrupts their making, and files that others wrote."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tfjs_compat.errors import MachineryError
from tfjs_compat.system import files
from tfjs_compat.system.digests import digest_files
from tfjs_compat.system.files import disk_errors, read_regular, remove_tree, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -------------------------------------------------------------------------------------------------------- write_whole


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_whole(path, "é\n")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert names(path.parent) == ["file"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if moment == "replace":
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(MachineryError, match="no space left on the device"):
        write_whole(path, "new", sync=full)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from tfjs_compat.system import files
def die(*_): os.kill(os.getpid(), 9)
if sys.argv[2] == "replace":
    Path.replace = die
files.write_whole(Path(sys.argv[1]), b"new" * 1_000_000, sync=die if sys.argv[2] == "fsync" else os.fsync)
"""


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_leaves_the_old_file(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "file.json"
    write_whole(path, "old")
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(path), moment], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    # What is left of the attempt is hidden, and taken for the file by nobody.
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["file.json"]
    write_whole(path, "new")
    assert path.read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="folders cannot be opened")
def test_a_lasting_file_is_synced_with_its_folders(tmp_path: Path) -> None:
    synced: list[tuple[str, int]] = []

    def sync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        synced.append((kind, os.fstat(descriptor).st_ino))

    path = tmp_path / "a" / "b" / "file"
    write_whole(path, "x", sync=sync)
    file, *folders = synced
    assert file == ("file", path.stat().st_ino)
    # Two were made, and are named by the one above each.
    assert set(folders) == {("folder", folder.stat().st_ino) for folder in (path.parent, tmp_path / "a", tmp_path)}
    synced.clear()
    write_whole(path, "y", sync=sync)
    assert synced == [("file", path.stat().st_ino), ("folder", path.parent.stat().st_ino)]
    synced.clear()
    write_whole(path, "z", lasting=False, sync=sync)
    assert synced == []


def test_readers_see_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = {letter * 300_000 for letter in "abcd"}
    write_whole(path, "a" * 300_000)
    seen, over = set(), threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=watch)
    reader.start()
    for _ in range(5):
        for content in sorted(contents):
            write_whole(path, content)
    over.set()
    reader.join()
    assert seen <= contents


# -------------------------------------------------------------------------------------------------------- remove_tree


def test_a_tree_is_removed_with_all_in_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_text("x")
    (tree / "sub" / "file").chmod(0o400)
    (tree / "link").symlink_to(tmp_path)
    remove_tree(tree)
    remove_tree(tree)
    assert names(tmp_path) == []


def test_links_out_of_a_tree_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "tree")
    assert (tmp_path / "kept" / "file").read_text() == "x"


def test_no_half_of_a_tree_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("x")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "remove_flat", killed)
    with pytest.raises(KeyboardInterrupt):
        remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_disk_errors_name_the_path_and_the_reason(tmp_path: Path) -> None:
    with pytest.raises(MachineryError, match=r"gone: No such file or directory"), disk_errors(tmp_path):
        (tmp_path / "gone").read_text()
    with pytest.raises(MachineryError, match=f"{tmp_path.name}: no space left on the device"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "x")
    with pytest.raises(KeyError), disk_errors(tmp_path):
        raise KeyError


# ------------------------------------------------------------------------------------------------------------ digests


def test_a_digest_covers_names_contents_and_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a" * 3_000_000)
    two.write_bytes(b"b")
    digests = [
        digest_files([("one", one), ("two", two)]),
        digest_files([("two", one), ("one", two)]),
        digest_files([("two", two), ("one", one)]),
        digest_files([("one", one)]),
        digest_files([]),
    ]
    assert len(set(digests)) == 5
    assert digest_files([("one", one), ("two", two)]) == digests[0]
    one.write_bytes(b"a" * 2_999_999 + b"c")
    assert digest_files([("one", one), ("two", two)]) != digests[0]


# ------------------------------------------------------------------------------------------------- files of a child


def test_a_hole_of_terabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than"):
        read_regular(path)
