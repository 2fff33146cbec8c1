"""Temporary folders whose owner may be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tfjs_compat.errors import MachineryError
from tfjs_compat.system.temporary import remove_abandoned, temporary_folder

HOLD = """
import sys, time
from pathlib import Path
from tfjs_compat.system.temporary import temporary_folder
with temporary_folder("held-", Path(sys.argv[1])) as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_a_folder_is_there_then_gone(tmp_path: Path) -> None:
    with temporary_folder("x-", tmp_path) as folder:
        assert folder.parent == tmp_path
        assert list(folder.iterdir()) == []
        (folder / "deep").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), temporary_folder("x-", tmp_path):
        raise ValueError("x")
    assert list(tmp_path.iterdir()) == []


def test_folders_in_use_are_left_alone(tmp_path: Path) -> None:
    with temporary_folder("x-", tmp_path) as one, temporary_folder("x-", tmp_path) as two:
        assert remove_abandoned("x-", tmp_path) == []
        assert one.is_dir()
        assert two.is_dir()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_owner_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    held = Path(child.stdout.readline().strip())
    with temporary_folder("held-", tmp_path):
        assert (held / "file").exists()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert (held / "file").exists()
    with temporary_folder("other-", tmp_path):
        assert (held / "file").exists()
    with temporary_folder("held-", tmp_path):
        assert not held.exists()
    assert list(tmp_path.iterdir()) == []


def test_no_place_is_machinery(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineryError), temporary_folder("x-", tmp_path / "file"):
        pass
