"""What of a model's files goes into a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat.errors import RequestError
from tfjs_compat.handover.reproduction import model_files
from tfjs_compat.handover.reproduction.model_files import write_model
from tfjs_compat.matrix.models import find_model


def put(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")


def written(ref: str, base: Path, target: Path) -> tuple[str, set[str]]:
    files = write_model(find_model(ref, base), target)
    return files.path, {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}


def test_a_builder_takes_what_it_imports_and_names(tmp_path: Path) -> None:
    source = {
        "train.py": "import blocks\nfrom data import words\nVOCABULARY = 'data/words.txt'\ndef build(): ...",
        "blocks.py": "from pathlib import Path\nTABLE = Path(__file__).parent / 'tables'\n",
        "tables/a.csv": "1",
        "tables/.hidden": "x",
        "data/__init__.py": "",
        "data/words.py": "",
        "data/words.txt": "a",
        "other.py": "SECRET = 1",
        "secrets.txt": "x",
    }
    put(tmp_path / "from", source)
    # What links of a stranger's project lead to is the user's.
    put(tmp_path / "mine", {"key": "x", "folder/key": "x"})
    for name, place in {"key": "mine/key", "folder": "mine/folder"}.items():
        (tmp_path / "from" / "tables" / name).symlink_to(tmp_path / place)
    path, files = written("train.py:build", tmp_path / "from", tmp_path / "to")
    assert path == "model/train.py"
    wanted = {"train.py", "blocks.py", "tables/a.csv", "data/__init__.py", "data/words.py", "data/words.txt"}
    assert files == {f"model/{name}" for name in wanted}


def test_a_builder_in_a_package_keeps_its_place(tmp_path: Path) -> None:
    put(
        tmp_path / "from",
        {
            "nets/__init__.py": "",
            "nets/a/__init__.py": "from ..shared import x",
            "nets/a/model.py": "from . import blocks\ndef build(): ...",
            "nets/a/blocks.py": "",
            "nets/shared.py": "x = 1",
            "nets/other.py": "",
        },
    )
    path, files = written("nets.a.model:build", tmp_path / "from", tmp_path / "to")
    assert path == "model/nets/a/model.py"
    names = ("__init__", "shared", "a/__init__", "a/model", "a/blocks")
    assert files == {f"model/nets/{name}.py" for name in names}


def test_large_data_is_named_and_left_out(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(model_files, "MOST_DATA", 3)
    put(
        tmp_path / "from",
        {"train.py": "W = 'big.bin', 'small.bin'\ndef build(): ...", "big.bin": "1234", "small.bin": "1"},
    )
    files = write_model(find_model("train.py:build", tmp_path / "from"), tmp_path / "to")
    assert files.left_out == ("big.bin",)
    assert (tmp_path / "to/model/small.bin").exists()


def test_a_model_file_loses_its_name_and_keeps_its_ending(tmp_path: Path) -> None:
    (tmp_path / "annabels model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert written("annabels model.h5", tmp_path, tmp_path / "to") == ("model/model.h5", {"model/model.h5"})


def test_a_saved_model_loses_its_debug_information(tmp_path: Path) -> None:
    put(tmp_path / "m", {"saved_model.pb": "x", "debug/saved_model_debug_info.pb": "paths", "variables/debug/v": "1"})
    path, files = written("m", tmp_path, tmp_path / "to")
    assert path == "model/saved_model"
    assert files == {"model/saved_model/saved_model.pb", "model/saved_model/variables/debug/v"}


def test_an_example_is_written_out_as_code(tmp_path: Path) -> None:
    path, files = written("zoo:lstm", tmp_path, tmp_path / "to")
    assert (path, files) == ("model/lstm.py", {"model/lstm.py"})
    assert "layers.LSTM(" in (tmp_path / "to" / path).read_text("utf-8")


@pytest.mark.parametrize("place", ["assets.extra/f", "variables/variables.index"])
def test_a_saved_model_whose_links_leave_it_does_not_go_along(tmp_path: Path, place: str) -> None:
    put(tmp_path, {"key": "private", "from/sm/saved_model.pb": "x", "from/sm/inner": "x"})
    link = tmp_path / "from" / "sm" / place
    link.parent.mkdir()
    link.symlink_to("../inner")
    _, files = written("sm", tmp_path / "from", tmp_path / "to")
    assert f"model/saved_model/{place}" in files
    link.unlink()
    link.symlink_to(tmp_path / "key")
    with pytest.raises(RequestError, match=rf"{place} is a link to a file elsewhere"):
        written("sm", tmp_path / "from", tmp_path / "other")
