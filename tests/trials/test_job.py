"""What a case gets of a model: a copy that takes no more of the disk than the model does."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from support.samples import case

from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import find_model
from tfjs_compat.system.files import disk_errors
from tfjs_compat.trials.job import copy_model


def of_model(ref: str, folder: Path) -> Case:
    return msgspec.structs.replace(case(), model=find_model(ref, folder))


def hollow(path: Path, start: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(start)
    os.truncate(path, 1 << 40)


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="the system does not say where holes are")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_copy_of_a_model_with_holes_has_them(tmp_path: Path, kind: str) -> None:
    model = tmp_path / ("m.h5" if kind == "file" else "m")
    hollow(model if kind == "file" else model / "variables" / "data", b"\x89HDF\r\n\x1a\n")
    if kind == "folder":
        (model / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "case").mkdir()
    with disk_errors(tmp_path):
        copy = copy_model(of_model(model.name, tmp_path), tmp_path / "case")
    made = copy if kind == "file" else copy / "variables" / "data"
    assert made.stat().st_size == 1 << 40
    assert made.stat().st_blocks < 100
    with made.open("rb") as file:
        assert file.read(4) == b"\x89HDF"


def test_the_copy_of_a_model_has_what_its_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"1")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "saved_model.pb").symlink_to(tmp_path / "blob")
    (tmp_path / "case").mkdir()
    copy = copy_model(of_model("m", tmp_path), tmp_path / "case")
    assert not (copy / "saved_model.pb").is_symlink()
    assert (copy / "saved_model.pb").read_bytes() == b"1"
