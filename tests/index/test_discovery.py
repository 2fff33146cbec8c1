"""Finding the Pythons of the machine: what of uv's list counts, and when uv is called again."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.discovery import ListedPython, find_interpreters, usable
from tfjs_compat.system.store import Store


def listed(version: str = "3.11.7", path: str | None = "/a/bin/python3.11", **changed: Any) -> ListedPython:
    return ListedPython(
        **{
            "version": version,
            "path": path,
            "os": "linux",
            "arch": "x86_64",
            "implementation": "cpython",
            **changed,
        }
    )


FOLDERS = [Path("/first/bin"), Path("/second/bin")]


def test_the_newest_version_comes_first() -> None:
    found = usable([listed("3.9.18"), listed("3.13.0"), listed("3.10.2")], FOLDERS)
    assert [python.version for python in found] == ["3.13.0", "3.10.2", "3.9.18"]


@pytest.mark.parametrize(
    "unusable",
    [
        listed("3.7.16"),
        listed("2.7.18"),
        listed("3.14.0rc1"),
        listed("3.13.0a1"),
        listed("3.13.0", variant="freethreaded"),
        listed("3.13.0", variant="freethreaded+debug"),
        listed("3.10.12", implementation="pypy"),
        listed("3.12.1", path=None),
        listed("nonsense"),
    ],
)
def test_what_no_environment_can_be_made_of(unusable: ListedPython) -> None:
    assert usable([unusable, listed("3.11.7")], FOLDERS) == usable([listed("3.11.7")], FOLDERS)


def test_of_one_version_the_first_folder_counts() -> None:
    paths = ["/elsewhere/python", "/second/bin/python3.11", "/first/bin/python3.11", "/first/bin/python3"]
    (found,) = usable([listed(path=path) for path in paths], FOLDERS)
    assert found.executable == "/first/bin/python3.11"


@pytest.mark.parametrize(
    ("system", "arch", "expected"),
    [
        ("linux", "x86_64", "linux-x86_64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("macos", "aarch64", "darwin-arm64"),
        ("macos", "x86_64", "darwin-x86_64"),
        ("windows", "x86_64", "win32-AMD64"),
    ],
)
def test_the_platform_is_in_pythons_own_words(system: str, arch: str, expected: str) -> None:
    (found,) = usable([listed(os=system, arch=arch)], FOLDERS)
    assert found.platform == expected


class Machine:
    """A machine with the Pythons that are put into folders of PATH; counts how often they are listed."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls = root, 0
        self.folders: list[Path] = []

    def put(self, folder: str, name: str = "python3.11", content: str = "") -> Path:
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def list(self, folders: Sequence[Path], _store: Store) -> list[ListedPython]:
        self.calls += 1
        self.folders = list(folders)
        paths = [path for folder in folders for path in sorted(folder.glob("python3.1?")) if self.root in path.parents]
        return [listed(f"{path.name[6:]}.0", str(path)) for path in paths]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return Machine(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def versions(machine: Machine, store: Store) -> list[str]:
    return [python.version for python in find_interpreters(store, machine.list)]


def test_a_second_call_starts_nothing(machine: Machine, store: Store) -> None:
    machine.put("bin")
    first = find_interpreters(store, machine.list)
    assert [python.executable for python in first] == [str(machine.root / "bin" / "python3.11")]
    assert find_interpreters(store, machine.list) == first
    assert machine.calls == 1


def test_a_python_that_changes_or_comes_is_seen(machine: Machine, store: Store) -> None:
    changed = machine.put("bin")
    versions(machine, store)
    changed.write_text("another build")
    versions(machine, store)
    assert machine.calls == 2
    os.utime(changed, (1, 1))
    versions(machine, store)
    assert machine.calls == 3
    machine.put("bin", "python3.12")
    assert versions(machine, store) == ["3.12.0", "3.11.0"]
    machine.put("PYENV_ROOT/versions/3.13.0/bin", "python3.13")
    assert versions(machine, store) == ["3.13.0", "3.12.0", "3.11.0"]
    (machine.root / "bin" / "python3.12").unlink()
    assert versions(machine, store) == ["3.13.0", "3.11.0"]


def test_a_kept_python_that_is_gone_is_not_given(machine: Machine, store: Store, tmp_path: Path) -> None:
    # uv can find what is in none of the folders looked at.
    gone = tmp_path / "elsewhere"
    gone.write_text("")
    assert find_interpreters(store, lambda *_: [listed(path=str(gone))])
    gone.unlink()
    assert find_interpreters(store, lambda *_: []) == ()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_answer_is_found_again(machine: Machine, store: Store, content: bytes) -> None:
    machine.put("bin")
    first = versions(machine, store)
    (kept,) = store.folder("interpreters").iterdir()
    kept.write_bytes(content)
    assert versions(machine, store) == first


def test_where_pythons_are_looked_for(machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine.root
    for folder in ("PYENV_ROOT/versions/3.10.2/bin", "UV_PYTHON_INSTALL_DIR/cpython-3.12/bin", "own/bin", "base/bin"):
        machine.put(folder)
    (root / "own" / "pyvenv.cfg").write_text(f"home = {root / 'base' / 'bin'}\nversion = 3.11.7\n")
    monkeypatch.setenv("PATH", os.pathsep.join([str(root / "shims"), "", str(root / "own" / "bin")]))
    versions(machine, store)
    expected = [
        root / "PYENV_ROOT" / "versions" / "3.10.2" / "bin",
        root / "UV_PYTHON_INSTALL_DIR" / "cpython-3.12" / "bin",
        root / "base" / "bin",
        root / "own" / "bin",
    ]
    assert machine.folders[-4:] == expected
    assert Path(sys.executable).resolve().parent in machine.folders
    assert root / "shims" not in machine.folders


# From here on with the real uv.


def test_the_running_interpreter_is_found(machine: Machine, store: Store) -> None:
    (found,) = find_interpreters(store)
    assert found.version == platform.python_version()
    assert found.platform == f"{sys.platform}-{platform.machine()}"
    assert Path(found.executable).exists()


def test_broken_programs_and_settings_hide_nothing(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine.put("bin", "python3", "#!/bin/sh\necho '[{' >&2\nexit 1\n").chmod(0o755)
    (tmp_path / "uv.toml").write_text('python-preference = "only-managed"\n')
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    monkeypatch.setenv("UV_PYTHON_PREFERENCE", "only-managed")
    assert [python.version for python in find_interpreters(store)] == [platform.python_version()]


def test_a_cache_of_uv_that_cannot_be_written(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert find_interpreters(store)


def test_a_uv_that_does_not_know_the_command_is_named(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "uv"
    other.write_text("#!/bin/sh\necho \"error: unrecognized subcommand 'python'\"\nexit 2\n")
    other.chmod(0o755)
    monkeypatch.setattr(uv, "uv_executable", lambda: str(other))
    with pytest.raises(MachineryError, match="could not list the Pythons of this machine: error: unrecognized"):
        find_interpreters(store)


SHORT = {
    "space": "failed to write to file `x`: No space left on device (os error 28)",
    "processes": "failed to spawn: Resource temporarily unavailable (os error 11)",
    "open files": "failed to open: Too many open files (os error 24)",
    "memory": "Cannot allocate memory (os error 12)",
}
WARNED = "warning: Failed to inspect Python interpreter from search path at `/opt/python3`\n  cause: "


@pytest.mark.parametrize("short_of", SHORT)
def test_a_list_that_the_machine_was_too_short_for_is_none(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, short_of: str
) -> None:
    other = tmp_path / "uv"
    other.write_text(f"#!/bin/sh\necho '{WARNED}{SHORT[short_of]}\n[]'\n")
    other.chmod(0o755)
    monkeypatch.setattr(uv, "uv_executable", lambda: str(other))
    with pytest.raises(MachineryError, match=rf"cannot be listed: n.*{short_of.split()[-1]}"):
        find_interpreters(store)
    assert list((store.root / "interpreters").iterdir()) == []


def test_what_only_the_cache_was_too_short_for_is_listed_without_it(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real, other = uv.uv_executable(), tmp_path / "uv"
    other.write_text(
        f'#!/bin/sh\ncase "$*" in *--no-cache*) exec {real} "$@";; esac\necho \'{WARNED}{SHORT["space"]}\n[]\'\n'
    )
    other.chmod(0o755)
    monkeypatch.setattr(uv, "uv_executable", lambda: str(other))
    assert platform.python_version() in [python.version for python in find_interpreters(store)]
