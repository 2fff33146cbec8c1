"""A finished model gets to its place whole, or not at all."""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest
from support.holders import hold_target
from support.killed import killed_at_step

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.handover import delivery
from tfjs_compat.handover.delivery import MARKER, check_target, deliver, lock_target
from tfjs_compat.handover.exchange import exchange_folders
from tfjs_compat.system.store import Store

MODEL = '{"modelTopology": {"node": []}, "weightsManifest": [{"paths": ["odd.weights"], "weights": []}]}'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "model.json").write_text(MODEL)
    (folder / "group1-shard1of1.bin").write_bytes(b"1234")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def no_exchange(first: Path, second: Path) -> bool:
    return False


@pytest.mark.parametrize("there", [False, True])
def test_a_model_is_delivered_with_its_account(tmp_path: Path, model: Path, there: bool) -> None:
    target = tmp_path / "a" / "web"
    if there:
        target.mkdir(parents=True)
    deliver(model, target, {"CONVERSION.json": b"[]"}, force=False)
    assert files(target) == {**files(model), "CONVERSION.json": b"[]"}
    assert names(target.parent) == ["web"]


def test_a_model_is_replaced_only_by_force_and_whole(tmp_path: Path, model: Path) -> None:
    target = tmp_path / "web"
    deliver(model, target, {"group1-shard2of2.bin": b"0", "odd.weights": b""}, force=False)
    with pytest.raises(RequestError, match=r"is not empty.*\nhint: --force replaces it"):
        deliver(model, target, {}, force=False)
    assert "odd.weights" in files(target)
    deliver(model, target, {}, force=True)
    assert files(target) == files(model)


@pytest.mark.parametrize("force", [False, True])
def test_force_is_not_advised_where_it_would_refuse(tmp_path: Path, model: Path, force: bool) -> None:
    target = tmp_path / "my web"
    deliver(model, target, {}, force=False)
    (target / "thesis.tex").write_text("dear")
    with pytest.raises(RequestError, match=r"\(thesis\.tex\).*\nhint: give a folder that is not there"):
        deliver(model, target, {}, force=force)


def test_what_npm_installed_beside_a_model_has_another_place(tmp_path: Path, model: Path) -> None:
    target = tmp_path / "my web"
    deliver(model, target, {}, force=False)
    (target / "node_modules").mkdir()
    (target / "package.json").write_text("{}")
    with pytest.raises(RequestError) as refused:
        deliver(model, target, {}, force=True)
    subprocess.run(["sh", "-c", str(refused.value).partition("folder above too: ")[2]], check=True)
    deliver(model, target, {}, force=True)
    assert (tmp_path / "node_modules").is_dir()


@pytest.mark.parametrize("name", ["thesis.tex", "group1-shard1of1.bin", "model.json.d"])
def test_force_replaces_nothing_but_a_model(tmp_path: Path, model: Path, name: str) -> None:
    target = tmp_path / "web"
    target.mkdir()
    (target / name).write_text("dear")
    with pytest.raises(RequestError, match="something else than a model"):
        deliver(model, target, {}, force=True)
    assert files(target) == {name: b"dear"}


@pytest.mark.parametrize("name", ["package.json", "dear.bin", "link.bin", "group1-shard2of2.bin"])
def test_force_takes_nothing_from_beside_a_model(tmp_path: Path, model: Path, name: str) -> None:
    target = tmp_path / "web"
    deliver(model, target, {}, force=False)
    if name.startswith("group1"):
        (target / name).mkdir()
    elif name == "link.bin":
        (target / name).symlink_to("model.json")
    else:
        (target / name).write_text("dear")
    with pytest.raises(RequestError, match="something else than a model"):
        deliver(model, target, {}, force=True)
    assert os.path.lexists(target / name)


@pytest.mark.parametrize("content", ["{}", "[]", "", '{"$schema": "x", "type": "object"}'])
def test_a_model_json_that_is_no_model_is_not_replaced(tmp_path: Path, model: Path, content: str) -> None:
    target = tmp_path / "web"
    target.mkdir()
    (target / "model.json").write_text(content)
    with pytest.raises(RequestError, match="something else than a model"):
        deliver(model, target, {}, force=True)
    assert files(target) == {"model.json": content.encode()}


@pytest.mark.parametrize("full", [False, True])
def test_a_link_to_a_folder_stays_a_link(tmp_path: Path, model: Path, full: bool) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "web").symlink_to("real")
    for _ in range(2 if full else 1):
        deliver(model, tmp_path / "web", {}, force=True)
    assert (tmp_path / "web").is_symlink()
    assert files(tmp_path / "real") == files(model)
    assert names(tmp_path) == ["made", "real", "web"]


def test_a_folder_that_cannot_be_exchanged_is_filled(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "web"
    deliver(model, target, {"odd.weights": b"1"}, force=False)
    before = target.stat().st_ino
    # As a mounted one cannot; nor should the folder that a shell stands in be pulled away.
    monkeypatch.chdir(target)
    (model / "group1-shard1of1.bin").write_bytes(b"new")
    deliver(model, Path(), {"CONVERSION.json": b"[]"}, force=True)
    assert files(target) == {**files(model), "CONVERSION.json": b"[]"}
    assert target.stat().st_ino == before


def test_an_exchange_that_fails_leaves_the_old_model(tmp_path: Path, model: Path) -> None:
    target = tmp_path / "web"
    deliver(model, target, {}, force=False)
    before = files(target)
    (model / "group1-shard1of1.bin").write_bytes(b"new")

    def refuse(first: Path, second: Path) -> bool:
        raise OSError(5, "Input/output error")

    def lose_the_new_model(first: Path, second: Path) -> bool:
        shutil.rmtree(first)
        return False

    for exchange in (refuse, lose_the_new_model):
        with pytest.raises(MachineryError):
            deliver(model, target, {}, force=True, exchange=exchange)
        assert files(target) == before
        assert names(tmp_path) == ["made", "web"]


def test_a_full_disk_is_one_plain_message(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device", target)

    monkeypatch.setattr(delivery, "copy_file", full)
    with pytest.raises(MachineryError, match=r"\A\S+: no space left on the device\Z"):
        deliver(model, tmp_path / "web", {}, force=False)
    assert names(tmp_path) == ["made"]


def test_targets_with_long_names_are_not_mixed_up(tmp_path: Path) -> None:
    store, long = Store(tmp_path / "store"), "x" * 100
    with lock_target(tmp_path / "a" / long, store), lock_target(tmp_path / "b" / long, store):
        (tmp_path / "a").mkdir()
        (tmp_path / "c").symlink_to("a")
        with pytest.raises(RequestError, match="another command"), lock_target(tmp_path / "c" / long, store):
            pass


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web").write_text("x")
    with pytest.raises(RequestError, match="is not a folder"):
        check_target(tmp_path / "web", force=True)
    with pytest.raises(RequestError, match="cannot be written to"):
        check_target(tmp_path / "web" / "deeper", force=True)


def test_on_a_failing_disk_the_target_is_as_it_was(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "web"
    deliver(model, target, {}, force=False)
    before = files(target)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (model / "model.json").write_text(MODEL + " ")
    with pytest.raises(MachineryError, match="no space left"):
        deliver(model, target, {}, force=True)
    assert files(target) == before
    assert names(tmp_path) == ["made", "web"]


def test_the_second_command_with_one_target_is_refused(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=hold_target, args=(tmp_path / "store", tmp_path / "web", ready, done))
    holder.start()
    try:
        assert ready.wait(30)
        with (
            pytest.raises(RequestError, match="another command is writing to it"),
            lock_target(tmp_path / "web", Store(tmp_path / "store")),
        ):
            pass
        with lock_target(tmp_path / "other", Store(tmp_path / "store")):
            pass
    finally:
        done.set()
        holder.join(30)
    with lock_target(tmp_path / "web", Store(tmp_path / "store")):
        pass


# ---------------------------------------------------------------------------------------------------- killed deliveries


def made(folder: Path, content: bytes, *more: str) -> Path:
    """A model whose every file has this content, but for its model.json."""
    folder.mkdir()
    (folder / "model.json").write_text(MODEL + " " * len(content))
    for name in ("group1-shard1of1.bin", *more):
        (folder / name).write_bytes(content)
    return folder


def kill_each_step(tmp_path: Path, exchange: Exchange, *, stand_in_it: bool) -> Iterator[tuple[Path, Models]]:
    """Deliver over an old model and be killed, each time at another step; the target and what may be in it then."""
    for step in itertools.count():
        top = tmp_path / str(step)
        top.mkdir()
        target, old = top / "web", made(top / "old", b"old", "group1-shard2of2.bin")
        new = made(top / "made", b"newer", "odd.weights")
        deliver(old, target, {}, force=False)

        def replace(new: Path = new, target: Path = target) -> None:
            if stand_in_it:
                os.chdir(target)
            deliver(new, target, {}, force=True, exchange=exchange)

        killed = killed_at_step(step, replace)
        yield target, (files(old), files(new))
        assert names(top) == ["made", "old", "web"]
        if not killed:
            assert step > 20
            return


Exchange = Callable[[Path, Path], bool]
Models = tuple[dict[str, bytes], dict[str, bytes]]


def test_a_kill_leaves_the_old_model_or_the_new(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    if not exchange_folders(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot exchange two folders")
    for target, models in kill_each_step(tmp_path / "a", exchange_folders, stand_in_it=False):
        assert files(target) in models
        check_target(target, force=True)
        assert files(target) in models


def test_the_next_command_finishes_what_two_renames_began(tmp_path: Path) -> None:
    absent = 0
    for target, models in kill_each_step(tmp_path, no_exchange, stand_in_it=False):
        absent += not target.exists()
        check_target(target, force=True)
        assert files(target) in models
    assert absent, "no kill came between the renames"


def test_the_next_command_finishes_a_target_that_was_being_filled(tmp_path: Path) -> None:
    halves = 0
    for target, models in kill_each_step(tmp_path, no_exchange, stand_in_it=True):
        left = files_of(target)
        halves += "model.json" not in left
        assert "model.json" not in left or left in models
        check_target(target, force=True)
        assert files(target) in models
    assert halves, "no kill came while files were moved"


def files_of(folder: Path) -> dict[str, bytes]:
    """Its files, without the folder of a delivery."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("stand_in_it", [False, True])
def test_after_a_kill_the_next_delivery_is_whole(tmp_path: Path, stand_in_it: bool) -> None:
    for target, _ in kill_each_step(tmp_path, no_exchange, stand_in_it=stand_in_it):
        last = made(tmp_path / f"last-{target.parent.name}", b"last")
        deliver(last, target, {}, force=True)
        assert files(target) == files(last)


def test_only_folders_of_dead_deliveries_are_removed(tmp_path: Path, model: Path) -> None:
    unmarked, other = tmp_path / ".web.0123abcd.tfjs-compat", tmp_path / ".webs.0123abcd.tfjs-compat"
    alive, dead = tmp_path / ".web.11111111.tfjs-compat", tmp_path / ".web.22222222.tfjs-compat"
    for folder in (unmarked, other, alive, dead):
        (folder / "new").mkdir(parents=True)
    for folder in (other, alive, dead):
        (folder / MARKER).touch()
    with filelock.FileLock(alive / MARKER):
        deliver(model, tmp_path / "web", {}, force=False)
    assert names(tmp_path) == sorted([unmarked.name, other.name, alive.name, "made", "web"])


def test_what_was_written_beside_a_model_goes_with_it_unless_it_was_changed(tmp_path: Path, model: Path) -> None:
    target, program = tmp_path / "web", b"predict();"
    account = json.dumps({"beside": {"predict.mjs": hashlib.sha256(program).hexdigest(), "gone.js": "0"}}).encode()
    deliver(model, target, {"CONVERSION.json": account, "predict.mjs": program}, force=False)
    deliver(model, target, {"CONVERSION.json": account, "predict.mjs": program}, force=True)
    (target / "predict.mjs").write_bytes(b"mine();")
    with pytest.raises(RequestError, match=r"something else than a model \(predict.mjs\)"):
        deliver(model, target, {}, force=True)
