"""What is kept between runs, under what, and how it comes back when several runs are at it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import cache_rivals
from support.samples import case, interpreters

from tfjs_compat.engine import cache
from tfjs_compat.engine.cache import CacheKey, RunConditions, keep, kept_outcome, record_key, why_not_kept
from tfjs_compat.engine.plan import Planned
from tfjs_compat.errors import MachineryError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes import failures
from tfjs_compat.outcomes.failures import Failure, Finding, Raised
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system import child_files
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.garbage import collect_garbage

(PYTHON,) = interpreters("3.11.7")
LOCK = Lock("a" * 16, PYTHON.build, {"keras": "3.2.1"}, False, "# lock")
FAILED = Outcome(
    Stage.CONVERT,
    Failure(Stage.CONVERT, "ValueError: x", (Raised("ValueError", "x", errno=None),)),
    findings=(Finding("a", "$", "b", "warning"),),
    seconds={"import": 1.0},
    resolved={"keras": "3.2.1"},
    log="log.txt",
)
replace = msgspec.structs.replace


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a case that ran."""
    folder = tmp_path / "out" / "cases" / "one"
    (folder / "artifact").mkdir(parents=True)
    (folder / "log.txt").write_text("output", "utf-8")
    (folder / "artifact" / "model.json").write_text("{}", "utf-8")
    return folder


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != "key"
    }


def kept_folder(store: Store, key: str = "k") -> Path:
    """Where the store holds the case's files."""
    (found,) = (path for path in (store.root / "outcomes" / key).iterdir() if path.is_dir())
    return found


# What comes back.


def test_an_outcome_comes_back_with_its_files(store: Store, folder: Path, tmp_path: Path) -> None:
    assert keep("k", FAILED, folder, store)
    other = tmp_path / "elsewhere" / "two"
    assert kept_outcome("k", store, other) == FAILED
    assert files(other) == files(folder)
    # What a user does to an artifact stays with the user.
    (other / "artifact" / "model.json").write_text("mine", "utf-8")
    assert kept_outcome("k", store, tmp_path / "third") == FAILED
    assert files(tmp_path / "third") == files(folder)


def test_a_folder_that_has_the_files_is_left_alone(store: Store, folder: Path) -> None:
    keep("k", FAILED, folder, store)
    (folder / "log.txt").write_text("read by the user", "utf-8")
    assert kept_outcome("k", store, folder) is not None
    assert (folder / "log.txt").read_text("utf-8") == "read by the user"


def test_files_of_another_key_are_replaced(store: Store, folder: Path) -> None:
    keep("k", FAILED, folder, store)
    (folder / "artifact" / "more.txt").write_text("more", "utf-8")
    keep("other", FAILED, folder, store)
    assert kept_outcome("k", store, folder) is not None
    assert "artifact/more.txt" not in files(folder)
    assert kept_outcome("other", store, folder) is not None
    assert "artifact/more.txt" in files(folder)


def test_files_to_change_do_not_pass_for_the_kept_ones(store: Store, folder: Path, tmp_path: Path) -> None:
    keep("k", FAILED, folder, store)
    before, other = files(folder), tmp_path / "other"
    for _ in range(2):
        # As after a kill: the caller changed the files and kept nothing.
        assert kept_outcome("k", store, other, to_change=True) is not None
        assert files(other) == before
        (other / "artifact" / "model.json").write_text("repaired", "utf-8")
    assert kept_outcome("k", store, other) is not None
    assert files(other) == before


def test_a_later_outcome_replaces_the_earlier(store: Store, folder: Path, tmp_path: Path) -> None:
    for number in range(3):
        (folder / "log.txt").write_text(str(number), "utf-8")
        keep("k", replace(FAILED, tfjs=str(number)), folder, store)
    outcome = kept_outcome("k", store, tmp_path / "two")
    assert outcome is not None
    assert (outcome.tfjs, files(tmp_path / "two")["log.txt"]) == ("2", "2")
    assert kept_folder(store).is_dir()


def test_what_a_builder_left_is_not_kept(store: Store, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "artifact" / "dangling").symlink_to(tmp_path / "nowhere")
    (folder / "checkpoint").write_bytes(b"x" * 1000)
    os.mkfifo(folder / "pipe")
    keep("k", FAILED, folder, store)
    assert kept_outcome("k", store, tmp_path / "two") is not None
    assert sorted(files(tmp_path / "two")) == ["artifact/model.json", "log.txt"]


def test_nothing_is_kept_through_a_link(store: Store, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "of the user"
    elsewhere.mkdir()
    (store.folder("outcomes") / "k").symlink_to(elsewhere)
    assert keep("k", FAILED, folder, store)
    assert list(elsewhere.iterdir()) == []
    assert kept_outcome("k", store) is not None


def test_an_outcome_that_left_too_much_is_not_kept(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_BYTES", 1000)
    (folder / "artifact" / "weights").write_bytes(b"x" * 5000)
    assert not keep("k", FAILED, folder, store)
    assert not list((store.root / "outcomes").iterdir())


def test_outcomes_not_used_for_long_are_garbage(store: Store, folder: Path) -> None:
    for key in ("old", "used", "new"):
        keep(key, FAILED, folder, store)
    long_ago = time.time() - 90 * 86400
    for key in ("old", "used"):
        os.utime(store.root / "outcomes" / key, (long_ago, long_ago))
    kept_outcome("used", store)
    collect_garbage(store, unused_days=30)
    assert sorted(path.name for path in (store.root / "outcomes").iterdir()) == ["new", "used"]


# What is never kept.

BY_MACHINE = [
    *(Raised("OSError", "x", errno=number) for number in sorted(failures._MACHINERY_ERRNOS)),
    *(Raised(name, "x") for name in failures._MACHINERY_TYPES),
    *(Raised("E", text) for text in ("URL fetch failure on x", "No space left on device", "Disk quota exceeded")),
]


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize(
    "fields",
    [
        {"machinery": "no space left on the device"},
        {"machinery": ""},
        {"limited": True},
        {"limited": True, "failure": None},
        *({"failure": Failure(Stage.CONVERT, "x", (Raised("E", "x"), raised))} for raised in BY_MACHINE),
    ],
)
def test_what_machine_or_limit_decided_is_not_kept(
    store: Store, folder: Path, fields: dict[str, Any], stage: Stage
) -> None:
    assert not keep("k", replace(FAILED, stage=stage, **fields), folder, store)
    assert kept_outcome("k", store) is None
    assert not (store.root / "outcomes" / "k").exists()


def test_what_is_not_kept_leaves_what_was(store: Store, folder: Path) -> None:
    keep("k", FAILED, folder, store)
    assert not keep("k", replace(FAILED, machinery="disk"), folder, store)
    assert kept_outcome("k", store) == FAILED


# What is damaged, gone or cannot be read is not kept, and nothing is raised.


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"stage": "nowhere"}', b"\xff", msgspec.json.encode(FAILED), b"[" * 100_000]
)
def test_a_damaged_outcome_is_none_until_kept_again(store: Store, folder: Path, content: bytes) -> None:
    keep("k", FAILED, folder, store)
    (store.root / "outcomes" / "k" / "outcome.json").write_bytes(content)
    assert kept_outcome("k", store) is None
    keep("k", FAILED, folder, store)
    assert kept_outcome("k", store) == FAILED


@pytest.mark.parametrize("name", ["..", "../..", "/etc", ""])
def test_an_outcome_leads_to_no_other_place(store: Store, folder: Path, name: str) -> None:
    keep("k", FAILED, folder, store)
    file = store.root / "outcomes" / "k" / "outcome.json"
    content = msgspec.json.decode(file.read_bytes())
    file.write_bytes(msgspec.json.encode({**content, "folder": name}))
    assert kept_outcome("k", store) is None


def test_a_half_copy_is_not_kept(store: Store, folder: Path, tmp_path: Path) -> None:
    for name, damage in [("log.txt", Path.unlink), ("artifact/model.json", Path.touch), ("artifact", shutil.rmtree)]:
        keep("k", FAILED, folder, store)
        path = kept_folder(store) / name
        if damage is Path.touch:
            path.write_bytes(b"")
        else:
            damage(path)
        warnings: list[str] = []
        assert kept_outcome("k", store, tmp_path / "two", warn=warnings.append) is None
        assert not (tmp_path / "two").exists()
        assert len(warnings) == 1


def test_a_vanished_folder_is_not_kept(store: Store, folder: Path, tmp_path: Path) -> None:
    keep("k", FAILED, folder, store)
    shutil.rmtree(kept_folder(store))
    assert kept_outcome("k", store) is None
    assert kept_outcome("k", store, tmp_path / "two") is None
    assert not (tmp_path / "two").exists()


def test_a_place_that_cannot_be_written_to_is_a_warning(store: Store, folder: Path, tmp_path: Path) -> None:
    keep("k", FAILED, folder, store)
    (tmp_path / "file").touch()
    warnings: list[str] = []
    assert kept_outcome("k", store, tmp_path / "file" / "cases" / "two", warn=warnings.append) is None
    assert len(warnings) == 1
    assert str(tmp_path / "file") in warnings[0]
    assert "\n" not in warnings[0]


def test_an_outcome_that_cannot_be_read_is_a_warning(store: Store, folder: Path) -> None:
    keep("k", FAILED, folder, store)
    file = store.root / "outcomes" / "k" / "outcome.json"
    file.unlink()
    file.mkdir()
    warnings: list[str] = []
    assert kept_outcome("k", store, warn=warnings.append) is None
    assert len(warnings) == 1


def test_an_absent_outcome_is_no_warning(store: Store, tmp_path: Path) -> None:
    warnings: list[str] = []
    assert kept_outcome("k", store, tmp_path / "two", warn=warnings.append) is None
    assert warnings == []


def test_a_store_that_takes_nothing_is_machinery(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineryError):
        keep("k", FAILED, folder, Store(tmp_path / "file" / "store"))


def test_what_cannot_be_copied_leaves_nothing(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("k", FAILED, folder, store)

    def damaged(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "model.json")

    monkeypatch.setattr(child_files, "copy_with_holes", damaged)
    with pytest.raises(MachineryError, match=r"model\.json"):
        keep("k", FAILED, folder, store)
    assert [path.name for path in (store.root / "outcomes").iterdir()] == ["k"]
    assert kept_outcome("k", store) == FAILED


def test_what_a_kill_left_beside_an_outcome_goes_later(store: Store, folder: Path) -> None:
    keep("k", FAILED, folder, store)
    home = store.root / "outcomes" / "k"
    for name, age in (("killed", 2 * 86400.0), ("atwork", 0.0)):
        (home / name).mkdir()
        os.utime(home / name, (time.time() - age, time.time() - age))
    keep("k", FAILED, folder, store)
    assert not (home / "killed").exists()
    assert (home / "atwork").exists()


# Several runs at once.


def test_rival_runs_never_see_a_part_or_a_mixture(store: Store, tmp_path: Path) -> None:
    keep("k", cache_rivals.write_case(tmp_path / "first", "z"), tmp_path / "first", store)
    with ProcessPoolExecutor(6, mp_context=multiprocessing.get_context("spawn")) as pool:
        readers = [pool.submit(cache_rivals.read, number, 60, tmp_path, store) for number in range(3)]
        others = [pool.submit(cache_rivals.keep_until_done, letter, tmp_path, store) for letter in "xy"]
        others.append(pool.submit(cache_rivals.collect_until_done, tmp_path, store))
        try:
            reports = [reader.result() for reader in readers]
        finally:
            (tmp_path / "done").touch()
        for other in others:
            other.result()
    assert [fault for faults, _ in reports for fault in faults] == []
    assert all(found for _, found in reports)


# Why a case runs again.


PLANNED = Planned(case(), PYTHON, LOCK, {})


def key_of_a_case(**fields: Any) -> CacheKey:
    conditions = RunConditions(Stage.PREDICT, "node 22.1.0", None, ("avx",), "code", "fork", "linked")
    return cache.cache_key(PLANNED, LOCK, "4.22.0", replace(conditions, **fields))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tfjs_runtime": "node 24.0.0"}, "Node changed (22.1.0 → 24.0.0) since it was run"),
        ({"cpu": ("avx", "avx2")}, "the CPU changed since it was run"),
        ({"code": "other"}, "tfjs-compat changed since it was run"),
        ({"cpu": (), "code": "other"}, "the CPU changed; tfjs-compat changed since it was run"),
        ({"until": Stage.LOAD}, "the last stage changed since it was run"),
    ],
)
def test_what_changed_is_named(store: Store, folder: Path, fields: dict[str, Any], text: str) -> None:
    key = key_of_a_case()
    keep(key.key, FAILED, folder, store)
    record_key(PLANNED, key, store)
    assert why_not_kept(PLANNED, key, store) is None
    assert why_not_kept(PLANNED, key_of_a_case(**fields), store) == text


def test_an_outcome_of_another_cpu_is_not_served(store: Store, folder: Path) -> None:
    keep(key_of_a_case(cpu=("avx", "avx512_vnni")).key, FAILED, folder, store)
    assert kept_outcome(key_of_a_case(cpu=("avx",)).key, store) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"lock": "of an earlier release"}'])
def test_a_note_that_says_nothing_is_said_so(store: Store, content: bytes) -> None:
    record_key(PLANNED, key_of_a_case(), store)
    (note,) = (store.root / "cache-keys").iterdir()
    note.write_bytes(content)
    assert (
        why_not_kept(PLANNED, key_of_a_case(), store)
        == "the note of its last run is damaged, or of another tfjs-compat"
    )
