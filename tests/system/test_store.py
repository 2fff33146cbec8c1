"""Where the store is, and its locks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.system.store import MARKER, Store


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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


def test_a_store_in_which_no_environment_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no environment can be made where a path holds ':'|';'"):
        Store(tmp_path / f"a{os.pathsep}b").folder("wheels")
    assert names(tmp_path) == []


@pytest.mark.parametrize("link", ["wheels", "outcomes/x"])
def test_a_folder_of_the_store_that_is_a_link(tmp_path: Path, link: str) -> None:
    (tmp_path / "of the user").mkdir()
    store = Store(tmp_path / "store")
    store.folder(*link.split("/")[:-1] or ["scratch"])
    (store.root / link).symlink_to(tmp_path / "of the user")
    with pytest.raises(RequestError, match="a folder of the store must not be a link\nhint: "):
        store.folder(*link.split("/"), "below")
    assert names(tmp_path / "of the user") == []


def test_a_store_that_is_deleted_while_it_is_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.folder("wheels")
    shutil.rmtree(store.root)
    store.folder("scratch")
    assert names(store.root) == ["scratch", MARKER]
    Store(tmp_path / "store").folder("wheels")


def test_what_is_waited_for_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    stop = threading.Event()

    def say(lock: str) -> None:
        said.append(lock)
        threading.Timer(1.2, stop.set).start()

    asks = Store(tmp_path, waiting=say).locked("environment", "x", stop=stop)
    with Store(tmp_path).locked("environment", "x"), pytest.raises(Interrupted), asks:
        pass
    assert said == ["environment-x"]


def test_a_lock_that_another_run_holds_is_not_waited_for(tmp_path: Path) -> None:
    with Store(tmp_path).locked("wheels"), Store(tmp_path).locked_if_free("wheels") as free:
        assert not free
    with Store(tmp_path).locked_if_free("wheels") as free:
        assert free
    (tmp_path / "locked" / "x.lock").mkdir()
    with Store(tmp_path).locked_if_free("x") as free:
        assert not free


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


# --------------------------------------------------------------------------------------------- whose folder it is


@pytest.mark.parametrize("entries", [["notes.txt"], ["environments/mine/x", "wheels/mine.whl"], [".git/config"]])
def test_a_folder_of_others_is_refused(tmp_path: Path, entries: list[str]) -> None:
    for entry in entries:
        (tmp_path / entry).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / entry).write_text("mine")
    store = Store(tmp_path)
    for use in (lambda: store.folder("wheels"), lambda: store.folder("scratch"), lambda: store.locked("x").__enter__()):
        with pytest.raises(
            RequestError, match=r"is no store of tfjs-compat, and not empty\nhint: set TFJS_COMPAT_CACHE"
        ):
            use()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(entries)


@pytest.mark.parametrize("entries", [[], ["lost+found/x"]])
def test_an_empty_folder_becomes_a_store(tmp_path: Path, entries: list[str]) -> None:
    for entry in entries:
        (tmp_path / entry).parent.mkdir(parents=True)
    Store(tmp_path).folder("wheels")
    (tmp_path / "notes.txt").write_text("")
    assert Store(tmp_path).folder("scratch").is_dir()


@pytest.mark.parametrize(
    "entries",
    [
        ["locked/wheels.lock", "scratch/x"],
        ["environments/0123456789abcdef/environment.json", "wheels/x", "durations.jsonl"],
        ["resolved/0123456789abcdef01234567.json", "asked/x"],
    ],
)
def test_a_store_of_a_version_without_markers_goes_on(tmp_path: Path, entries: list[str]) -> None:
    for entry in entries:
        (tmp_path / entry).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / entry).write_text("")
    Store(tmp_path).folder("wheels")
    assert MARKER in names(tmp_path)
