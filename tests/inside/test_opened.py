"""What a model's code is seen to do, in a Python of its own: an audit hook stays for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tfjs_compat.engine.deciding_files import PACKAGE

PROGRAM = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from tfjs_case.opened import Opened
opened = Opened([])
subprocess.run([sys.executable, "-c", ""])
if sys.argv[2] == "import":
    opened.forget_processes()
print(opened.close()["unknown"])
"""


def unknown(when: str) -> str:
    command = [sys.executable, "-c", PROGRAM, str(PACKAGE / "inside"), when]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_process_that_a_model_starts_may_open_what_nobody_sees() -> None:
    assert unknown("build") == "it starts other processes"


def test_what_packages_start_while_they_are_imported_does_not_count() -> None:
    assert unknown("import") == "None"


UNWATCHED = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
from tfjs_case.opened import Opened
# No more files: as where another program has taken all that the user may watch with.
next_one = os.dup(0)
os.close(next_one)
resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, next_one))
print(Opened([], folder=".").close()["unknown"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="folders are watched by inotify")
def test_a_folder_that_cannot_be_watched_keeps_no_answer() -> None:
    command = [sys.executable, "-c", UNWATCHED, str(PACKAGE / "inside")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "its folder cannot be watched (inotify)\n"
