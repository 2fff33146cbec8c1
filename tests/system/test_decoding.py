"""Types are decoded from any thread: their readers are made while modules are imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.samples import ROOT

from tfjs_compat.system.decoding import DamagedFileError, Reader

SOURCES = sorted((ROOT / "src" / "tfjs_compat").rglob("*.py"))
STRESS = """
import contextlib, importlib, pkgutil, sys, threading
import tfjs_compat
from tfjs_compat.system.decoding import Reader

sys.setswitchinterval(1e-6)
readers = []
for module in pkgutil.walk_packages(tfjs_compat.__path__, "tfjs_compat."):
    if "inside" not in module.name and "__main__" not in module.name:
        loaded = importlib.import_module(module.name)
        readers += [value for value in vars(loaded).values() if isinstance(value, Reader)]
start = threading.Barrier(8)

def decode():
    start.wait()
    for reader in readers:
        for text in (b"{}", b"[]", b'{"stage": "convert", "schema": 1}', b'[{"version": "1"}]'):
            with contextlib.suppress(Exception):
                reader.decode(text)

threads = [threading.Thread(target=decode) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(readers))
"""


READER = Reader[dict[str, int]](dict[str, int])


def test_what_stands_in_place_of_a_file_is_an_os_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{"a": 1}')
    assert READER.read(path) == {"a": 1}
    with pytest.raises(OSError, match="larger than 3 bytes"):
        READER.read(path, 3)
    for content in (b"", b"\xff\xfe", b"[" * 100_000, b'{"a": "x"}', b'{"\xff": 1}'):
        path.write_bytes(content)
        with pytest.raises(DamagedFileError):
            READER.read(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        READER.read(path)
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        READER.read(path)


def test_nothing_decodes_a_type_without_a_reader() -> None:
    typed = re.compile(r"msgspec\.(json\.decode\([^\n]*type=|convert\(|json\.Decoder\()")
    found = [path.name for path in SOURCES if typed.search(path.read_text("utf-8"))]
    assert found == ["decoding.py"]


def test_the_first_decoding_from_many_threads_is_safe() -> None:
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", STRESS], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        assert int(done.stdout) >= 20
