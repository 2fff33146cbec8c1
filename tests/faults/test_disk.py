"""Disks of every size, from one on which nothing fits to one on which all does: what fits in part is no verdict."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faulty_index import FaultyIndex
from support.runs import MATRIX, NUMPY, TENSORFLOW, Runs, add_module

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")

MODULES = {
    f"numpy/part{number}.py": b"".join(b"def f%d(x): return x + %d\n" % (i, i) for i in range(60))
    for number in range(40)
}
IMPORTS = "".join(f"from numpy import part{number}\n" for number in range(40))
SIZES = [*range(100, 2000, 100), *range(2000, 4400, 200)]
"""In KB. All of it takes about 3,000, half of that bytecode."""
CORE = (800, 1500, 2200)


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with FaultyIndex() as index:
        add_module(index, "tensorflow", "2.15.0", "import numpy\n" + TENSORFLOW, "numpy")
        add_module(index, "tensorflowjs", "4.17.0", "")
        add_module(index, "numpy", "1.26.4", NUMPY + IMPORTS, more=MODULES)
        yield index


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def mount(disk: Path, *options: str) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system takes root")


@pytest.mark.parametrize(
    "size", [pytest.param(size, marks=[] if size in CORE else [pytest.mark.full]) for size in SIZES]
)
def test_what_fits_in_part_is_no_verdict(tmp_path: Path, index: FaultyIndex, disk: Path, size: int) -> None:
    mount(disk, f"size={size}k")
    runs = Runs(tmp_path, index)  # type: ignore[arg-type]
    (runs.folder / "m.toml").write_text(MATRIX.replace(', "model.py:build_slowly"', ""))
    runs.environment["TFJS_COMPAT_CACHE"] = str(disk / "store")
    runs.environment["UV_CACHE_DIR"] = str(disk / "uv")
    code, out, err = runs.end(runs.start(), 90)
    said = " ".join((out + err).split()).lower()
    assert code in (1, 3), said
    if code == 3:
        assert "no space left" in said or "could not be compiled" in said
    else:
        assert [case["message"] for case in runs.results()["cases"]] == ["ValueError: ended"]
    assert runs.left() == []
    mount(disk, "remount", "size=64m")
    code, out, err = runs.end(runs.start(), 90)
    assert code == 1, out + err
    assert [case["message"] for case in runs.results()["cases"]] == ["ValueError: ended"]
    verified = subprocess.run(
        [sys.executable, "-m", "tfjs_compat", "env", "verify"], env=runs.environment, capture_output=True, text=True
    )
    assert verified.stdout == "3 unpacked wheels, 1 environments: all whole\n"


@pytest.mark.parametrize("size", [8, 40, 72, 80, 96, 120, 160, 240])
def test_a_list_of_pythons_that_fits_in_part_is_none(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    whole = find_interpreters(Store(tmp_path / "store"))
    monkeypatch.setenv("UV_CACHE_DIR", str(disk / "uv"))
    mount(disk, f"size={size}k")
    store = Store(disk / "store")
    with contextlib.suppress(MachineryError):
        assert find_interpreters(store) == whole
    mount(disk, "remount", "size=64m")
    assert find_interpreters(store) == whole
