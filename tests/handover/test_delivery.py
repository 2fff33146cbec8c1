"""A finished model gets to its place whole, or not at all."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import pytest
from support.holders import hold_target

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.handover.delivery import check_target, deliver, lock_target
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
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.mark.parametrize("there", [False, True])
def test_a_model_is_delivered_with_its_account(tmp_path: Path, model: Path, there: bool) -> None:
    target = tmp_path / "a" / "web"
    if there:
        target.mkdir(parents=True)
    deliver(model, target, {"CONVERSION.json": b"[]"}, force=False)
    assert files(target) == {**files(model), "CONVERSION.json": b"[]"}
    assert [one.name for one in target.parent.iterdir()] == ["web"]


def test_a_model_is_replaced_only_by_force_and_whole(tmp_path: Path, model: Path) -> None:
    target = tmp_path / "web"
    deliver(model, target, {"group1-shard2of2.bin": b"0", "odd.weights": b""}, force=False)
    with pytest.raises(RequestError, match="--force replaces a model in it"):
        deliver(model, target, {}, force=False)
    assert "odd.weights" in files(target)
    deliver(model, target, {}, force=True)
    assert files(target) == files(model)


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
    assert sorted(one.name for one in tmp_path.iterdir()) == ["made", "real", "web"]


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


def test_the_old_model_stays_until_the_new_one_is_there(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "web"
    deliver(model, target, {}, force=False)
    before, rename = files(target), Path.rename

    def refuse(self: Path, to: Path) -> Path:
        if to == target and not self.name.endswith(".old"):
            raise OSError(5, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(MachineryError):
        deliver(model, target, {}, force=True)
    assert files(target) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["made", "web"]


def test_a_disk_that_is_full_while_it_is_copied_is_one_plain_message(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(MachineryError, match=r"\A\S+: no space left on the device\Z"):
        deliver(model, tmp_path / "web", {}, force=False)
    assert [one.name for one in tmp_path.iterdir()] == ["made"]


def test_targets_with_long_names_are_not_mixed_up(tmp_path: Path) -> None:
    store, long = Store(tmp_path / "store"), "x" * 100
    with lock_target(tmp_path / "a" / long, store), lock_target(tmp_path / "b" / long, store):
        (tmp_path / "a").mkdir()
        (tmp_path / "c").symlink_to("a")
        with pytest.raises(RequestError, match="another command"), lock_target(tmp_path / "c" / long, store):
            pass


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web").write_text("x")
    with pytest.raises(RequestError, match="no folder"):
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
    assert sorted(one.name for one in tmp_path.iterdir()) == ["made", "web"]


def test_of_two_commands_with_one_target_the_second_is_refused(tmp_path: Path) -> None:
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
