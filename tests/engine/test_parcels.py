"""What a task needs elsewhere: found, packed and unpacked whole, and never out of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat.engine import parcels
from tfjs_compat.engine.parcels import parcel_of_file, parcel_of_model, unpack, unpacked
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.matrix.models import find_model
from tfjs_compat.system.store import Store


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_a_builder_brings_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, m_py="def build(): pass\n", data__words="x", part__deep_py="y = 1\n")
    write(
        tmp_path, **{".git__config": "hidden", "__pycache____m": "cache", "env__pyvenv.cfg": "", "out__plan.json": ""}
    )
    parcel = parcel_of_model(find_model("m.py:build", tmp_path))
    assert parcel is not None
    assert set(parcel.names) == {"m.py", "data/words", "part/deep.py"}


def test_an_example_is_everywhere(tmp_path: Path) -> None:
    assert parcel_of_model(find_model("zoo:mlp", tmp_path)) is None


def test_what_is_unpacked_is_what_was_packed(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    write(saved, **{"saved_model.pb": "pb", "variables__v": "w", ".hidden": "h"})
    parcel = parcel_of_model(find_model("saved", tmp_path))
    assert parcel is not None
    store = Store(tmp_path / "store")
    assert unpacked(parcel.digest, store) is None
    home = unpack(parcel.digest, parcel.content(), store)
    assert unpacked(parcel.digest, store) == home == unpack(parcel.digest, {}, store)
    found = {path.relative_to(home).as_posix(): path.read_text() for path in home.rglob("*") if path.is_file()}
    assert found == {"saved_model.pb": "pb", "variables/v": "w", ".hidden": "h"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", ""])
def test_a_parcel_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(MachineryError, match="received files"):
        unpack("0" * 64, {name: b"x"}, store)
    assert not (tmp_path / "x").exists()
    assert list((store.root / "received").iterdir()) == []


def test_a_parcel_of_another_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"x")
    parcel = parcel_of_file(tmp_path / "x.npz")
    store = Store(tmp_path / "store")
    with pytest.raises(MachineryError, match="not those of the digest"):
        unpack(parcel.digest, {"x.npz": b"y"}, store)
    assert unpacked(parcel.digest, store) is None


def test_a_folder_that_is_too_much_for_a_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "_MOST_FILES", 3)
    write(tmp_path, m_py="def build(): pass\n", a="", b="", c="")
    with pytest.raises(RequestError, match=r"(?s)model 'm\.py:build': its folder .*\nhint: put the builder"):
        parcel_of_model(find_model("m.py:build", tmp_path))
