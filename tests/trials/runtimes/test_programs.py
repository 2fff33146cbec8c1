from __future__ import annotations

import os
from pathlib import Path

import pytest

from tfjs_compat.errors import MachineryError
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.trials.runtimes.programs import remembered_version, version_of


class ContentAsVersion:
    """The content of a file as its version; counts the calls."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, path: Path) -> str:
        self.times += 1
        return path.read_text("utf-8")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_one_call_while_the_file_is_the_same(store: Store, tmp_path: Path) -> None:
    program, find_version = tmp_path / "node", ContentAsVersion()
    program.write_text("1.0.0")
    assert [remembered_version(program, find_version, store) for _ in range(3)] == ["1.0.0"] * 3
    assert find_version.times == 1
    assert remembered_version(program, find_version, Store(store.root)) == "1.0.0"
    assert find_version.times == 1


def test_another_file_is_called_again(store: Store, tmp_path: Path) -> None:
    program, find_version = tmp_path / "node", ContentAsVersion()
    program.write_text("1.0.0")
    remembered_version(program, find_version, store)
    times = program.stat()
    replacement = tmp_path / "new"
    replacement.write_text("2.0.0")
    os.utime(replacement, ns=(times.st_atime_ns, times.st_mtime_ns))
    replacement.replace(program)
    assert remembered_version(program, find_version, store) == "2.0.0"
    program.write_text("3.0.0")
    assert remembered_version(program, find_version, store) == "3.0.0"


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_launchers_are_called_each_time(store: Store, tmp_path: Path) -> None:
    find_version = ContentAsVersion()
    shim = tmp_path / "node"
    shim.write_text("#!/bin/sh\nexec other node\n")
    remembered_version(shim, find_version, store)
    remembered_version(shim, find_version, store)
    assert find_version.times == 2
    (tmp_path / "launcher").write_text("x")
    chosen = tmp_path / "chromium"
    chosen.symlink_to(tmp_path / "launcher")
    remembered_version(chosen, find_version, store)
    remembered_version(chosen, find_version, store)
    assert find_version.times == 4


@pytest.mark.parametrize("content", ["", "{", '{"file": 1}', "[]"])
def test_a_damaged_memory_is_none(store: Store, tmp_path: Path, content: str) -> None:
    program, find_version = tmp_path / "node", ContentAsVersion()
    program.write_text("1.0.0")
    remembered_version(program, find_version, store)
    (record,) = (store.root / "programs").iterdir()
    record.write_text(content)
    assert remembered_version(program, find_version, store) == "1.0.0"
    assert find_version.times == 2


def test_the_node_of_the_wheel_is_called_once(store: Store) -> None:
    node = find_node("wheel", store)
    assert node == find_node()
    (record,) = (store.root / "programs").iterdir()
    record.write_text(record.read_text().replace(f'"{node.version}"', '"99.0.0"'))
    # No process was started, which would have said otherwise.
    assert find_node("wheel", store).version == "99.0.0"


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_program_that_fails_is_machinery(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho cannot open display >&2\nexit 7\n")
    program.chmod(0o755)
    with pytest.raises(MachineryError, match="--version ended with exit code 7: cannot open display"):
        version_of(program, r"(\d+)")


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_program_that_says_no_version_is_machinery(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text("#!/bin/sh\necho hello\necho v1.2\n")
    program.chmod(0o755)
    assert version_of(program, r"^v(\S+)$") == "1.2"
    with pytest.raises(MachineryError, match=r"node does not say its version: hello\nv1.2"):
        version_of(program, r"^v(\d+\.\d+\.\d+)$")
