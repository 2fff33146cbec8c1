"""A finished model gets to its place whole, or not at all."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from tfjs_compat.delivery import check_target, claimed, deliver
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.store import Store


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
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
    deliver(model, target, {"old-shard.bin": b"0"}, force=False)
    with pytest.raises(RequestError, match="--force replaces a model in it"):
        deliver(model, target, {}, force=False)
    assert "old-shard.bin" in files(target)
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
    (model / "model.json").write_text("{ }")
    with pytest.raises(MachineryError, match="no space left"):
        deliver(model, target, {}, force=True)
    assert files(target) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["made", "web"]


def _hold(root: Path, target: Path, ready: object, done: object) -> None:
    with claimed(target, Store(root)):
        ready.set()  # type: ignore[attr-defined]
        done.wait()  # type: ignore[attr-defined]


def test_of_two_commands_with_one_target_the_second_is_refused(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "store", tmp_path / "web", ready, done))
    holder.start()
    try:
        assert ready.wait(30)
        with (
            pytest.raises(RequestError, match="another command is writing to it"),
            claimed(tmp_path / "web", Store(tmp_path / "store")),
        ):
            pass
        with claimed(tmp_path / "other", Store(tmp_path / "store")):
            pass
    finally:
        done.set()
        holder.join(30)
    with claimed(tmp_path / "web", Store(tmp_path / "store")):
        pass
