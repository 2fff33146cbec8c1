"""Files and folders that are whole or not there, whatever interrupts their making."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system import store as stores
from tfjs_compat.system.files import digest_files, disk_errors, remove_tree, write_whole
from tfjs_compat.system.store import Store


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

    monkeypatch.setattr(*((os, "fsync") if moment == "fsync" else (Path, "replace")), full)
    with pytest.raises(MachineryError, match="no space left on the device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from tfjs_compat.system import files
if sys.argv[2] == "fsync":
    os.fsync = lambda _: os.kill(os.getpid(), 9)
else:
    Path.replace = lambda *_: os.kill(os.getpid(), 9)
files.write_whole(Path(sys.argv[1]), b"new" * 1_000_000)
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

    monkeypatch.setattr(stores.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


# ---------------------------------------------------------------------------------------------------------- the store


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFJS_COMPAT_CACHE", str(tmp_path / "named"))
    assert Store().root == tmp_path / "named"
    assert Store(tmp_path / "given").root == tmp_path / "given"
    monkeypatch.delenv("TFJS_COMPAT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert Store().root.name == "tfjs-compat"


def test_a_store_named_relatively_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFJS_COMPAT_CACHE", "here")
    assert Store().folder("a", "b") == tmp_path / "here" / "a" / "b"
    assert Store(Path("there")).root == tmp_path / "there"


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "store")
    with pytest.raises(MachineryError, match="file"):
        store.folder("x")
    with pytest.raises(MachineryError, match="file"), store.locked("x"):
        pass


def test_disk_errors_name_the_path_and_the_reason(tmp_path: Path) -> None:
    with pytest.raises(MachineryError, match=r"gone: No such file or directory"), disk_errors(tmp_path):
        (tmp_path / "gone").read_text()
    with pytest.raises(MachineryError, match=f"{tmp_path.name}: no space left on the device"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "x")
    with pytest.raises(KeyError), disk_errors(tmp_path):
        raise KeyError


def test_of_two_that_want_a_lock_one_waits(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        with Store(tmp_path).locked("a", "b"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1, 1, 1, 1]


def test_locks_of_other_names_are_other_locks(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked("a"), store.locked("b"):
        assert True


def test_who_waits_for_a_lock_can_be_stopped(tmp_path: Path) -> None:
    store, stop, raised = Store(tmp_path), threading.Event(), []

    def wait() -> None:
        try:
            with store.locked("a", stop=stop):
                raised.append("got it")
        except Interrupted:
            raised.append("interrupted")

    with store.locked("a"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)
        assert waiting.is_alive()
        stop.set()
        waiting.join(10)
    assert raised == ["interrupted"]


HOLDER = """
import sys, time
from pathlib import Path
from tfjs_compat.system.store import Store
with Store(Path(sys.argv[1])).locked("a"):
    print("held", flush=True)
    time.sleep(300)
"""


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        stop = threading.Event()
        stop.set()
        with pytest.raises(Interrupted), Store(tmp_path).locked("a", stop=stop):
            pass
        holder.kill()
        holder.wait()
        with Store(tmp_path).locked("a", stop=stop):
            pass
    finally:
        holder.kill()
        holder.communicate()


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
