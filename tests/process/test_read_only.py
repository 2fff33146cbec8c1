"""A store that nothing can be written to, and file systems that cannot link."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.runs import MATRIX, NUMPY, TENSORFLOW, Runs, SlowIndex, add_module
from support.samples import SmallIndex

from tfjs_compat.environments import environment as environments
from tfjs_compat.environments import linking
from tfjs_compat.environments.build import build
from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.doctor import doctor

PYTHON = Interpreter("{}.{}.{}".format(*sys.version_info[:3]), "linux-x86_64", sys.executable)
LOCK = Lock("a" * 16, PYTHON.tag, {}, False, "# nothing to install\n")


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Makes a folder readable only, for whoever runs this."""
    mounted = []

    def seal(folder: Path) -> Path:
        for arguments in (["--bind", str(folder), str(folder)], ["-o", "remount,ro,bind", str(folder)]):
            if subprocess.run(["mount", *arguments], capture_output=True).returncode != 0:
                pytest.skip("may not mount a file system")
            if folder not in mounted:
                mounted.append(folder)
        return folder

    yield seal
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
class TestReadOnly:
    def test_what_is_kept_is_served_and_the_rest_is_aside(self, tmp_path: Path, sealed: Callable[[Path], Path]) -> None:
        before = Store(tmp_path / "store")
        assert not before.read_only
        (before.folder("resolved") / "known.json").write_text("{}")
        before.folder("outcomes")
        store = Store(sealed(tmp_path / "store"))
        assert store.read_only
        assert (store.folder("resolved") / "known.json").read_text() == "{}"
        (store.folder("resolved") / "new.json").write_text("{}")
        assert store.folder("outcomes") == store.root / "outcomes"
        with store.locked("something"):
            assert store.folder("scratch").parent != store.root
        with pytest.raises(MachineryError, match="Read-only"):
            store.folder("wheels")
        assert ("store", "note") in [(finding.what, finding.status) for finding in doctor(store)]

    def test_an_environment_that_is_not_there_is_a_clear_fault(
        self, tmp_path: Path, sealed: Callable[[Path], Path]
    ) -> None:
        Store(tmp_path / "store").folder("environments")
        store = Store(sealed(tmp_path / "store"))
        with pytest.raises(MachineryError, match="cannot be written to: set TFJS_COMPAT_CACHE"):
            build(LOCK, PYTHON, store)

    def test_a_run_over_it(self, tmp_path: Path, sealed: Callable[[Path], Path]) -> None:
        with SlowIndex() as index:
            index.go.set()
            add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
            add_module(index, "tensorflowjs", "4.17.0", "")
            add_module(index, "numpy", "1.26.4", NUMPY)
            runs = Runs(tmp_path, index)
            (runs.folder / "m.toml").write_text(MATRIX.replace(', "model.py:build_slowly"', ""))
            assert runs.end(runs.start(), 60)[0] == 1
            first = runs.results()["cases"]
            sealed(runs.store)
            code, _, err = runs.end(runs.start(), 60)
            assert code == 1
            assert "read-only: what it holds is used" in " ".join(err.split())
            assert [case["cached"] for case in runs.results()["cases"]] == [True]
            # What is not kept runs in the environment that is.
            code, _, _ = runs.end(runs.start("--until", "build", "--isolation", "process"), 60)
            assert code == 1
            cases = runs.results()["cases"]
            assert [case["cached"] for case in cases] == [False]
            assert [case["message"] for case in cases] == [case["message"] for case in first]
            assert runs.left() == []


def test_without_symbolic_links_an_environment_holds_its_packages_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []

    def call(arguments: list[str], *_: object, **__: object) -> tuple[uv.UvResult, str]:
        called.append(arguments)
        return uv.UvResult(True, "warning: Failed to hardlink files; falling back to full copy.\n"), ""

    monkeypatch.setattr(uv, "call", call)
    monkeypatch.setattr(linking, "is_possible", lambda _: False)
    warnings: list[str] = []
    made = build(LOCK, PYTHON, Store(tmp_path / "store"), warn=warnings.append)
    assert isinstance(made, environments.Environment)
    assert (made.id, made.trees) == (LOCK.id, ())
    assert ["--target" in arguments for arguments in called] == [False]
    assert [warning.partition(":")[0] for warning in warnings] == [
        "the store's file system has no symbolic links",
        "its files could not be linked from uv's cache",
    ]


def test_whether_links_are_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert linking.is_possible(tmp_path)
    assert list(tmp_path.iterdir()) == []

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert not linking.is_possible(tmp_path)


def test_copies_in_place_of_links_are_warned_of(
    tmp_path: Path, small_index: SmallIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    import hashlib
    import shutil
    import tempfile

    from tfjs_compat.locks.lock import make_lock

    add_module(small_index, "one", "1.0", "")  # type: ignore[arg-type]
    (content,) = small_index.files["one"].values()
    lock = make_lock(f"one==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n", PYTHON, source_builds=False)
    cache = tempfile.mkdtemp(dir=other)
    monkeypatch.setenv("UV_CACHE_DIR", cache)
    warnings: list[str] = []
    try:
        made = build(lock, PYTHON, Store(tmp_path / "store"), warn=warnings.append)
    finally:
        shutil.rmtree(cache)
    assert isinstance(made, environments.Environment)
    assert warnings == ["packages could not be linked from uv's cache: they are on this disk twice"]
