"""What a child may leave in its folder, and what is read and copied of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tfjs_compat.system.child_files import (
    MAX_DEPTH,
    TooMuchError,
    copy_settled,
    make_empty,
    read_child_file,
    settle,
)
from tfjs_compat.system.files import remove_tree

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and permissions as POSIX has them")


def test_a_childs_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_child_file(path, 10) == b"0123456789"
    assert read_child_file(path, 9) == b""
    assert read_child_file(path, 4, tail=True) == b"6789"
    assert read_child_file(path, 40, tail=True) == b"0123456789"
    assert read_child_file(tmp_path / "nothing", 10) == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "link", "link to nothing", "loop"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, kind: str, tail: bool) -> None:
    path, other = tmp_path / "file", tmp_path / "secret"
    other.write_text("of the user")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        targets = {"device": Path("/dev/zero"), "link": other, "link to nothing": tmp_path / "x", "loop": path}
        path.symlink_to(targets[kind])
    assert read_child_file(path, 1 << 20, tail=tail) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path, tmp_path / "nothing", Path(__file__)):
        read_child_file(path, 10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    (folder / "artifact").mkdir(parents=True)
    (folder / "artifact" / "model.json").write_text("{}")
    (tmp_path / "of the user").write_text("precious")
    return folder


def test_what_is_ordinary_stays(case: Path) -> None:
    assert settle(case) == (False, ())
    assert (case / "artifact" / "model.json").read_text() == "{}"


def plant_link(case: Path, path: Path) -> None:
    path.symlink_to(case.parent / "of the user")


def plant_folder_link(case: Path, path: Path) -> None:
    path.symlink_to(case.parent)


def plant_hard_link(case: Path, path: Path) -> None:
    path.hardlink_to(case.parent / "of the user")


def plant_pipe(case: Path, path: Path) -> None:
    os.mkfifo(path)


def plant_socket(case: Path, path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("plant", [plant_link, plant_folder_link, plant_hard_link, plant_pipe, plant_socket])
@pytest.mark.parametrize("name", ["log.txt", "artifact/group1-shard1of1.bin"])
def test_what_leads_elsewhere_or_blocks_is_removed(case: Path, plant: object, name: str) -> None:
    assert callable(plant)
    plant(case, case / name)
    assert settle(case) == (False, (name,))
    assert not os.path.lexists(case / name)
    assert (case.parent / "of the user").read_text() == "precious"


@pytest.mark.parametrize("now", ["nothing", "file", "link"])
def test_a_folder_that_is_gone_is_made_anew(case: Path, now: str) -> None:
    remove_tree(case)
    if now == "file":
        case.write_text("x")
    elif now == "link":
        case.symlink_to(case.parent)
    assert settle(case).gone
    assert case.is_dir()
    assert not case.is_symlink()
    assert list(case.iterdir()) == []
    assert (case.parent / "of the user").read_text() == "precious"


def test_what_may_not_be_read_becomes_readable(case: Path) -> None:
    (case / "artifact" / "model.json").chmod(0)
    (case / "artifact").chmod(0)
    settle(case)
    assert (case / "artifact" / "model.json").read_text() == "{}"


def nest(folder: Path, levels: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a-folder-with-a-name", dir_fd=here)
        inner = os.open("a-folder-with-a-name", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT, dir_fd=here))
    os.close(here)


def test_folders_deeper_than_a_path_is_long_are_removed(case: Path) -> None:
    nest(case, 3000)
    (removed,) = settle(case).removed
    assert removed.count("/") == MAX_DEPTH - 1
    nest(case / "artifact", 3000)
    remove_tree(case)
    assert [path.name for path in case.parent.iterdir()] == ["of the user"]


def test_removing_a_link_leaves_what_it_leads_to(case: Path) -> None:
    (case / "link").symlink_to(case.parent)
    remove_tree(case / "link")
    make_empty(case / "artifact")
    assert list(case.iterdir()) == []
    assert (case.parent / "of the user").read_text() == "precious"


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems have other holes")
def test_holes_are_not_copied_as_data(case: Path) -> None:
    with (case / "artifact" / "weights.bin").open("wb") as file:
        file.write(b"start")
        file.seek(200 << 20)
        file.write(b"middle")
        file.truncate(400 << 20)
    copy_settled(case, case.parent / "copy", ["artifact"], most_bytes=1 << 20, most_files=10)
    copied = case.parent / "copy" / "artifact" / "weights.bin"
    assert copied.stat().st_size == 400 << 20
    assert copied.stat().st_blocks * 512 < 1 << 20
    with copied.open("rb") as file:
        assert file.read(5) == b"start"
        file.seek(200 << 20)
        assert file.read(6) == b"middle"


def test_only_what_is_named_is_copied(case: Path) -> None:
    (case / "large").write_bytes(b"x" * 100_000)
    copy_settled(case, case.parent / "copy", ["artifact", "not there"], most_bytes=1 << 20, most_files=10)
    assert [path.name for path in (case.parent / "copy").rglob("*")] == ["artifact", "model.json"]


def test_too_much_is_not_copied(case: Path) -> None:
    (case / "large").write_bytes(b"x" * 100_000)
    with pytest.raises(TooMuchError, match="case holds more than 10 files or 0 MiB"):
        copy_settled(case, case.parent / "copy", ["large"], most_bytes=50_000, most_files=10)
    for number in range(11):
        (case / "artifact" / str(number)).touch()
    with pytest.raises(TooMuchError):
        copy_settled(case, case.parent / "other", ["artifact"], most_bytes=1 << 20, most_files=10)
