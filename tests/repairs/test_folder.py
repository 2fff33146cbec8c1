"""The folder of an artifact, repaired: every byte of every weight arrives, and nothing else is touched."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from support.topologies import document, entry, keras2, keras3, layer, sequential

from tfjs_compat.artifact.reading import read
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.repairs.folder import DamagedArtifactError, repair_folder


def put(path: Path, value: dict[str, Any], shards: dict[str, bytes]) -> Path:
    path.mkdir()
    (path / "model.json").write_text(json.dumps(value), "utf-8")
    for name, data in shards.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def sharded(path: Path) -> Path:
    """Four weights over three shards, two of them quantised, with names of Keras 3."""
    value = document(sequential(entry("i", [4], wired=False), layer("Dense", "d"), layer("Dense", "e")))
    value["weightsManifest"] = [
        {
            "paths": ["group1-shard1of2.bin", "more/group1-shard2of2.bin"],
            "weights": [
                {"name": "sequential/d/kernel", "shape": [4, 3], "dtype": "float32"},
                {
                    "name": "sequential/d/bias",
                    "shape": [3],
                    "dtype": "float32",
                    "quantization": {"dtype": "uint8", "min": -1.5, "scale": 0.25, "original_dtype": "float32"},
                },
            ],
        },
        {
            "paths": ["group2-shard1of1.bin"],
            "weights": [
                {
                    "name": "sequential/e/kernel",
                    "shape": [3, 2],
                    "dtype": "float32",
                    "quantization": {"dtype": "float16", "original_dtype": "float32"},
                },
                {"name": "sequential/e/bias", "shape": [2], "dtype": "float32"},
            ],
        },
    ]
    data = bytes(range(51))
    shards = {"group1-shard1of2.bin": data[:20], "more/group1-shard2of2.bin": data[20:]}
    return put(path, value, {**shards, "group2-shard1of1.bin": bytes(range(100, 120))})


def test_weights_arrive_with_their_bytes_and_other_names(tmp_path: Path) -> None:
    source, target = sharded(tmp_path / "source"), tmp_path / "target"
    reported: list[tuple[int, int]] = []
    done = repair_folder(source, target, lambda now, whole: reported.append((now, whole)))
    assert [(weight.was, weight.name) for weight in done.weights] == [
        (f"sequential/{name}", name) for name in ("d/kernel", "d/bias", "e/kernel", "e/bias")
    ]
    assert [weight.stored for weight in done.weights] == ["float32", "uint8", "float16", "float32"]
    assert len({weight.sha256 for weight in done.weights}) == 4
    before, after = (json.loads((path / "model.json").read_text()) for path in (source, target))
    for old, new in zip(before["weightsManifest"], after["weightsManifest"], strict=True):
        assert new["paths"] == old["paths"]
        for name in new["paths"]:
            assert (target / name).read_bytes() == (source / name).read_bytes()
        assert [{**weight, "name": ""} for weight in new["weights"]] == [
            {**weight, "name": ""} for weight in old["weights"]
        ]
    assert read(target).findings == ()
    assert reported[-1] == (71, 71)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_a_weight_file_keeps_its_holes(tmp_path: Path) -> None:
    source = put(tmp_path / "source", keras2(), {"group1-shard1of1.bin": bytes(range(24))})
    os.truncate(source / "group1-shard1of1.bin", 3 << 30)
    repair_folder(source, tmp_path / "target")
    copy = tmp_path / "target" / "group1-shard1of1.bin"
    assert copy.stat().st_size == 3 << 30
    assert copy.stat().st_blocks * 512 < 1 << 20
    with copy.open("rb") as file:
        assert file.read(25) == bytes([*range(24), 0])


def test_weight_files_larger_than_a_page_can_hold_are_not_read(tmp_path: Path) -> None:
    source = put(tmp_path / "source", keras2(), {"group1-shard1of1.bin": bytes(24)})
    os.truncate(source / "group1-shard1of1.bin", 1 << 40)
    with pytest.raises(RequestError, match="hold 1099511627776 bytes: more than 4294967296"):
        repair_folder(source, tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_an_artifact_without_a_defect_is_copied_byte_for_byte(tmp_path: Path) -> None:
    source = put(tmp_path / "source", keras2(), {"group1-shard1of1.bin": bytes(24)})
    raw = (source / "model.json").read_text().replace(", ", " ,\n")
    (source / "model.json").write_text(raw)
    assert repair_folder(source, tmp_path / "target").applied == ()
    assert (tmp_path / "target" / "model.json").read_text() == raw


def test_an_empty_target_is_used_and_another_is_refused(tmp_path: Path) -> None:
    source = put(tmp_path / "source", keras3(), {"group1-shard1of1.bin": bytes(48)})
    (tmp_path / "target").mkdir()
    assert repair_folder(source, tmp_path / "target").applied
    with pytest.raises(RequestError, match="not an empty folder"):
        repair_folder(source, tmp_path / "target")
    with pytest.raises(RequestError, match="not an empty folder"):
        repair_folder(source, source)


def test_shards_are_streamed(tmp_path: Path) -> None:
    size = 64 << 20
    value = document(sequential(entry("i", [4], wired=False), layer("Dense", "d", use_bias=False)))
    value["weightsManifest"][0]["weights"] = [
        {"name": "sequential/d/kernel", "shape": [4, size // 16], "dtype": "float32"}
    ]
    source = put(tmp_path / "source", value, {})
    with (source / "group1-shard1of1.bin").open("wb") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        repair_folder(source, tmp_path / "target")
        assert tracemalloc.get_traced_memory()[1] < size / 8
    finally:
        tracemalloc.stop()


BROKEN: dict[str, Any] = {
    "no model.json": lambda path: (path / "model.json").unlink(),
    "cut off": lambda path: (path / "model.json").write_text('{"modelTopology": {'),
    "no topology": lambda path: (path / "model.json").write_text("{}"),
    "shard missing": lambda path: (path / "group2-shard1of1.bin").unlink(),
    "shard short": lambda path: (path / "group2-shard1of1.bin").write_bytes(b"12"),
    "shard a link out of the folder": lambda path: _linked(path / "group2-shard1of1.bin"),
    "shard outside": lambda path: (path / "model.json").write_text(
        (path / "model.json").read_text().replace("group2-shard1of1.bin", "../group2-shard1of1.bin")
    ),
    "shard a pipe": lambda path: ((path / "group2-shard1of1.bin").unlink(), os.mkfifo(path / "group2-shard1of1.bin")),
}


def _linked(shard: Path) -> None:
    outside = shard.parents[1] / "outside.bin"
    shard.rename(outside)
    shard.symlink_to(outside)


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_artifact_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    source = sharded(tmp_path / "source")
    BROKEN[name](source)
    with pytest.raises(DamagedArtifactError) as caught:
        repair_folder(source, tmp_path / "target")
    assert caught.value.findings
    assert str(source) in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if "target" in path.name]


def test_a_disk_that_fails_is_the_machine(tmp_path: Path) -> None:
    def fail(done: int, whole: int) -> None:
        raise OSError(28, "No space left on device")

    source = sharded(tmp_path / "source")
    with pytest.raises(MachineryError, match="no space left"):
        repair_folder(source, tmp_path / "target", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_shard_that_changes_while_it_is_copied_is_noticed(tmp_path: Path) -> None:
    source = sharded(tmp_path / "source")

    def change(done: int, whole: int) -> None:
        (source / "group1-shard1of2.bin").write_bytes(bytes(20))

    with pytest.raises(DamagedArtifactError, match="changed while it was read"):
        repair_folder(source, tmp_path / "target", change)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
