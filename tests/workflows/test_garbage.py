"""What garbage collection removes from the store, and what it leaves because a run uses it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from support.samples import ROOT

from tfjs_compat.environments.environment import Environment, describe
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.workflows.garbage import RULES, collect_garbage

DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def put(store: Store, *parts: str, days: float, folder: bool = False) -> Path:
    """A file of the store, or a folder with one, that was last used some days ago."""
    path = store.folder(*parts[:-1]) / parts[-1]
    if folder:
        path.mkdir()
        put(store, *parts, "content", days=days)
    else:
        path.write_text("x")
    age(path, days)
    return path


def age(path: Path, days: float) -> None:
    used = time.time() - days * DAY
    os.utime(path, (used, used))


UNUSED_FILES = [rule.folder for rule in RULES if rule.days is None and rule.held_by is None]


@pytest.mark.parametrize("folder", UNUSED_FILES)
def test_what_was_not_used_for_long_goes(store: Store, folder: str) -> None:
    old, used = put(store, folder, "old.json", days=31), put(store, folder, "used.json", days=29)
    old_folder, used_folder = (put(store, folder, f"{days}", days=days, folder=True) for days in (31, 29))
    assert collect_garbage(store, unused_days=30).entries == {folder: 2}
    assert [path.exists() for path in (old, used, old_folder, used_folder)] == [False, True, False, True]
    assert sorted(path.name for path in store.folder(folder).iterdir()) == ["29", "used.json"]


@pytest.mark.parametrize("folder", ["index", "scratch"])
def test_what_is_worth_nothing_after_a_day_goes(store: Store, folder: str) -> None:
    old, recent = put(store, folder, "old", days=1.1), put(store, folder, "recent", days=0.9)
    collect_garbage(store, unused_days=30)
    assert (old.exists(), recent.exists()) == (False, True)


@pytest.mark.parametrize("folder", ["outcomes", "resolved", "cache-keys", "index"])
def test_half_written_files_of_killed_runs_go_after_a_day(store: Store, folder: str) -> None:
    half, recent = put(store, folder, ".x.0a1b", days=2), put(store, folder, ".y.0a1b", days=0.5)
    collect_garbage(store, unused_days=30)
    assert (half.exists(), recent.exists()) == (False, True)


def test_a_folder_that_a_child_writes_in_stays(store: Store) -> None:
    scratch = put(store, "scratch", "uv-1", days=3, folder=True)
    age(scratch / "content", 0)
    age(scratch, 3)
    collect_garbage(store, unused_days=30)
    assert scratch.exists()


def test_what_was_just_used_stays(store: Store) -> None:
    just = put(store, "outcomes", "just", days=0, folder=True)
    assert collect_garbage(store, unused_days=0).entries == {}
    assert just.exists()
    assert collect_garbage(store, unused_days=0, now=lambda: time.time() + 90).entries == {"outcomes": 1}


@pytest.mark.parametrize("name", ["tfjs", "keras", "virtualenv", "durations.jsonl", "somebody-elses"])
def test_what_no_rule_names_stays(store: Store, name: str) -> None:
    kept = put(store, name, days=900)
    collect_garbage(store, unused_days=0)
    assert kept.exists()


def test_every_store_folder_has_a_rule_or_a_reason() -> None:
    named = {rule.folder for rule in RULES} | {"environments", "wheels"} | {"tfjs", "keras", "virtualenv"}
    pattern = re.compile(r"""store\.folder\(\s*"([a-z-]+)"|\.root / "([a-z-]+)\"""")
    used = set()
    for path in (ROOT / "src" / "tfjs_compat").rglob("*.py"):
        used |= {"".join(names) for names in pattern.findall(path.read_text("utf-8"))}
    assert used - {"venv", "something"} <= named
    assert {"outcomes", "resolved", "scratch", "index"} <= used


def test_wheels_go_with_the_last_environment_that_links_to_them(store: Store) -> None:
    for name in ("x-1-0123456789ab", "y-1-0123456789ab"):
        store.folder("wheels", name)
    root = store.folder("environments") / ("a" * 16)
    made = Environment(
        root.name, root, PythonBuild("3.11.7", "l"), sys.executable, {}, time.time(), ("x-1-0123456789ab",)
    )
    made.bin.mkdir(parents=True)
    made.executable.write_text("")
    (root / "venv" / "pyvenv.cfg").write_text("")
    describe(made)
    assert collect_garbage(store, unused_days=30).entries == {"wheels": 1}
    age(root / "environment.json", 31)
    removed = collect_garbage(store, unused_days=30)
    assert removed.environments == (root.name,)
    assert removed.entries == {"wheels": 1}


def test_locks_go_but_for_those_that_are_held(store: Store) -> None:
    with store.locked("environment", "held"), store.locked("environment", "free"):
        pass
    held, free = (store.folder("locked") / f"environment-{name}.lock" for name in ("held", "free"))
    recent = put(store, "locked", "recent.lock", days=0.5)
    held.touch()
    free.touch()
    with FileLock(held):
        age(held, 40)
        age(free, 40)
        assert collect_garbage(store, unused_days=30).entries == {"locked": 1}
        assert (held.exists(), free.exists(), recent.exists()) == (True, False, True)
    with store.locked("environment", "free"):
        pass
    assert collect_garbage(store, unused_days=30).entries == {"locked": 1}


def test_a_conversion_that_runs_stays(store: Store) -> None:
    running, over = (put(store, "conversions", name, days=40, folder=True) for name in ("running", "over"))
    (running / ".lock").touch()
    (over / ".lock").touch()
    age(running, 40)
    age(over, 40)
    with FileLock(running / ".lock"):
        assert collect_garbage(store, unused_days=30).entries == {"conversions": 1}
        assert (running.exists(), over.exists()) == (True, False)
    age(running, 40)
    assert collect_garbage(store, unused_days=30).entries == {"conversions": 1}


def test_what_a_killed_removal_left_goes(store: Store) -> None:
    for folder in ("environments", "wheels", "outcomes"):
        store.folder(folder, ".removing-x", "below")
    collect_garbage(store, unused_days=30)
    assert list(store.root.glob("*/.removing-*")) == []


LOCKER = """
import sys
from pathlib import Path
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
store, counter = Store(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(300):
    with store.locked("counter"):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_a_lock_that_is_collected_still_shuts_others_out(store: Store, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    children = [subprocess.Popen([sys.executable, "-c", LOCKER, str(store.root), str(counter)]) for _ in range(2)]
    removed = 0
    while any(child.poll() is None for child in children):
        removed += collect_garbage(store, unused_days=0, now=lambda: time.time() + 2 * DAY).entries.get("locked", 0)
    assert [child.returncode for child in children] == [0, 0]
    assert removed > 0
    assert counter.read_text() == "600"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_cannot_be_written_is_named(store: Store) -> None:
    store.folder("outcomes")
    store.root.chmod(0o500)
    try:
        with pytest.raises(MachineryError, match="cannot be written to, so nothing can be removed"):
            collect_garbage(Store(store.root), unused_days=30)
    finally:
        store.root.chmod(0o700)


def test_a_scratch_folder_that_somebody_holds_stays_however_old_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    scratch = store.folder("scratch")
    with temporary_folder("uv-", scratch) as held:
        (scratch / "uv-00000000").mkdir()
        (scratch / "uv-00000000.owner").write_text("")
        for path in scratch.iterdir():
            os.utime(path, (0, 0))
        collect_garbage(store, unused_days=0)
        assert {path.name for path in scratch.iterdir()} == {held.name, f"{held.name}.owner"}
