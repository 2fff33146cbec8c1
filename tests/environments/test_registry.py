"""Environments on disk: which are whole, how they are found, measured, removed and collected."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.environments import RUNNING, folders, ids, put_environment

from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.collect import collect_environments
from tfjs_compat.environments.disk_usage import sizes
from tfjs_compat.environments.environment import read_environment
from tfjs_compat.environments.registry import find, list_environments, remove
from tfjs_compat.errors import RequestError
from tfjs_compat.system.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_an_empty_beginning_of_an_id_means_no_environment(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="an empty id"):
        find("", Store(tmp_path))


def test_an_environment_of_an_older_version_is_read(store: Store) -> None:
    made = put_environment(store, "a" * 16)
    description = {
        "id": made.id,
        "root": "/where/it/was",
        "python": RUNNING.tag,
        "base": sys.executable,
        "packages": {"tensorflow": "2.15.0"},
        "built": made.built,
        "trees": [],
    }
    (made.root / "environment.json").write_text(json.dumps(description))
    assert read_environment(made.root) == made


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 1}', b"\xff\xfe"])
def test_a_damaged_environment_is_none(store: Store, content: bytes) -> None:
    made = put_environment(store, "a" * 16)
    assert environments.is_built(made.id, store)
    (made.root / "environment.json").write_bytes(content)
    assert not environments.is_built(made.id, store)
    assert ids(store) == []


def test_an_environment_without_its_interpreter_is_none(store: Store, tmp_path: Path) -> None:
    base = tmp_path / "python"
    base.write_text("")
    put_environment(store, "a" * 16, base=str(base))
    bare = put_environment(store, "b" * 16)
    assert ids(store) == ["a" * 16, "b" * 16]
    base.unlink()
    bare.executable.unlink()
    assert ids(store) == []
    assert sorted(collect_environments(store, time.time() - 30 * 86400)) == ["a" * 16, "b" * 16]
    assert folders(store) == []


def test_a_store_may_be_moved(store: Store, tmp_path: Path) -> None:
    put_environment(store, "a" * 16)
    store.root.rename(tmp_path / "moved")
    (moved,) = list_environments(Store(tmp_path / "moved"))
    assert moved.root == tmp_path / "moved" / "environments" / ("a" * 16)


def test_the_most_recently_used_comes_last(store: Store) -> None:
    for id, days in (("a" * 16, 1), ("b" * 16, 3), ("c" * 16, 2)):
        put_environment(store, id, days=days)
    assert ids(store) == ["b" * 16, "c" * 16, "a" * 16]
    with environments.in_use(find("c", store)):
        pass
    assert ids(store) == ["b" * 16, "a" * 16, "c" * 16]


def test_find_by_the_beginning_of_an_id(store: Store) -> None:
    for id in ("abc1" * 4, "abd2" * 4, "ffff" * 4):
        put_environment(store, id)
    assert find("f", store).id == "ffff" * 4
    assert find("abc", store).id == "abc1" * 4
    with pytest.raises(RequestError, match="several environments start with 'ab'"):
        find("ab", store)
    with pytest.raises(RequestError, match="no environment starts with 'abc1abc1abc1abcx'\nhint: did you mean 'abc1"):
        find("abc1abc1abc1abcx", store)
    with pytest.raises(RequestError, match="no environment starts with 'z'\nhint: there are none"):
        find("z", Store(store.root / "empty"))


def test_remove(store: Store) -> None:
    made, other = put_environment(store, "a" * 16), put_environment(store, "b" * 16)
    remove(made, store)
    assert folders(store) == [other.id]


USER = """
import sys, time
from pathlib import Path
from tfjs_compat.environments.environment import in_use
from tfjs_compat.environments.install import Installer
from tfjs_compat.environments.wheels import claim, stored_wheels
from tfjs_compat.environments.registry import find
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
with in_use(find("a", Store(Path(sys.argv[1])))):
    print("used", flush=True)
    time.sleep(300)
"""


def test_what_another_run_uses_stays(store: Store) -> None:
    made = put_environment(store, "a" * 16, days=90)
    user = subprocess.Popen([sys.executable, "-c", USER, str(store.root)], stdout=subprocess.PIPE)
    try:
        assert user.stdout is not None
        assert user.stdout.readline() == b"used\n"
        with pytest.raises(RequestError, match=f"environment {made.id} is in use by process {user.pid}"):
            remove(made, store)
        assert collect_environments(store, time.time() - 30 * 86400) == []
        assert made.root.exists()
    finally:
        user.kill()
        user.communicate()
    remove(made, store)
    assert folders(store) == []


def test_what_this_process_uses_stays(store: Store) -> None:
    made = put_environment(store, "a" * 16)
    with environments.in_use(made), pytest.raises(RequestError, match=f"in use by process {os.getpid()}"):
        remove(made, store)
    remove(made, store)
    assert folders(store) == []


def test_the_mark_of_a_killed_run_keeps_nothing(store: Store) -> None:
    made = put_environment(store, "a" * 16)
    (made.root / f"used-by-{os.getpid()}-1").touch()
    remove(made, store)
    assert folders(store) == []


def test_unused_and_half_built_environments_are_collected(store: Store) -> None:
    put_environment(store, "a" * 16, days=40)
    put_environment(store, "b" * 16, days=20)
    (store.folder("environments", "c" * 16) / "venv").mkdir()
    assert collect_environments(store, time.time() - 30 * 86400) == ["a" * 16, "c" * 16]
    assert folders(store) == ["b" * 16]
    assert collect_environments(store, time.time()) == ["b" * 16]


def test_shared_files_count_once(store: Store, tmp_path: Path) -> None:
    first, second = put_environment(store, "a" * 16), put_environment(store, "b" * 16)
    (tmp_path / "cache").write_bytes(b"x" * 1_000_000)
    os.link(tmp_path / "cache", first.root / "shared")
    os.link(tmp_path / "cache", first.root / "shared-again")
    os.link(tmp_path / "cache", second.root / "shared")
    (second.root / "own").write_bytes(b"x" * 300_000)
    (second.root / "link").symlink_to(tmp_path)
    rows, total = sizes([first, second], store)
    assert 1_000_000 <= rows[first.id].whole < 1_010_000
    assert rows[first.id].own < 10_000
    assert 1_300_000 <= rows[second.id].whole < 1_310_000
    assert 300_000 <= rows[second.id].own < 310_000
    assert 1_300_000 <= total < 1_320_000
