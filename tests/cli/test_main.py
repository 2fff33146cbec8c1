"""The tool as a process: it starts fast, and every error is one message and an exit code."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import MATRIX, Tool, put
from support.samples import SmallIndex


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["run", "--help"], ["plan", "--help"], ["env", "--help"], []]
)
def test_help_is_there_and_fast(child: Tool, arguments: list[str]) -> None:
    # A machine that does other things too may be late once.
    ran = next((ran for ran in (child(*arguments) for _ in range(4)) if ran.seconds < 1.0), None)
    assert ran is not None
    assert "Usage:" in ran.out + ran.err
    assert ran.code == (0 if arguments else 2)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = "{'rich', 'requests', 'msgspec', 'uv', 'jinja2', 'numpy'}"
    code = f"import sys; from tfjs_compat.cli import main; print(*(set(sys.modules) & {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no process")
@pytest.mark.parametrize(("command", "code"), [("models", 0), ("report nowhere", 2)])
def test_pythoninspect_of_the_caller_changes_nothing(tmp_path: Path, command: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tfjs_compat", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONINSPECT": "1"},
        input="print('a command')",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "a command" not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_an_interrupt_while_the_code_is_loaded_ends_it_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = subprocess.run(
        [sys.executable, "-m", "tfjs_compat", "models"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGINT
    assert done.stdout + done.stderr == ""


def test_version(child: Tool) -> None:
    ran = child("--version")
    assert re.fullmatch(r"tfjs-compat, version \d+\.\d+\.\d+\S*\n", ran.out)


@pytest.mark.parametrize("command", ["plan m.toml --json", "plan m.toml", "known-issues", "models", "-h"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, cache: Path, index: SmallIndex, command: str) -> None:
    put(tmp_path, m__toml=MATRIX)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "tfjs_compat", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "TFJS_COMPAT_CACHE": str(cache)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writing)
    assert not re.search(r"Traceback|BrokenPipe|Exception", done.stderr)
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_stdout(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "tfjs_compat", "known-issues"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr == "error: [Errno 28] No space left on device\n"
    assert done.returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("command", ["known-issues --json", "models", "--version", "--help"])
def test_any_output_that_a_full_disk_does_not_take_is_one_message(tmp_path: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        arguments = [sys.executable, "-m", "tfjs_compat", *command.split()]
        done = subprocess.run(arguments, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (3, "error: [Errno 28] No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="a shell closes them")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), [("models", 0), ("--version", 0), ("report nothing", 2)])
def test_closed_streams_are_those_that_nobody_reads(tmp_path: Path, command: str, code: int, closed: str) -> None:
    line = f"{sys.executable} -m tfjs_compat {command} {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_pipe_that_does_not_block_gets_all(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    command = [sys.executable, "-m", "tfjs_compat", "known-issues", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE) as child:
        os.close(writing)
        # The pipe is full before anybody reads it: the command holds more.
        with os.fdopen(reading, "rb") as pipe:
            select.select([pipe], [], [], 60)
            time.sleep(0.5)
            json.loads(pipe.read())
        assert child.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(("command", "code"), [("known-issues", 0), ("report nothing", 2), ("plan no.toml", 2)])
def test_a_full_disk_under_stderr(tmp_path: Path, command: str, code: int) -> None:
    with Path("/dev/full").open("w") as full:
        arguments = [sys.executable, "-m", "tfjs_compat", *command.split()]
        done = subprocess.run(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=full, text=True, timeout=60)
    assert done.returncode == code


def test_a_package_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise ImportError('cannot map segment', name='_ssl')")
    code = "import sys; from tfjs_compat.cli.main import main; sys.argv[1:] = ['plan', 'seed']; main()"
    variables = {**os.environ, "PYTHONPATH": str(tmp_path), "TFJS_COMPAT_CACHE": str(tmp_path / "store")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=variables)
    assert done.stderr.endswith("too little memory, or a package is damaged: cannot map segment\n")
    assert "Traceback" not in done.stderr
    assert done.returncode == 3


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = (
        "import os, sys; os.rmdir(os.getcwd()); from tfjs_compat.cli.main import main; sys.argv[1:] = ['run']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "gone", capture_output=True, text=True)
    assert done.stderr == "error: [Errno 2] No such file or directory\n"
    assert done.returncode == 3


def test_a_fault_of_the_tool_exits_3() -> None:
    code = "from tfjs_compat import api; from tfjs_compat.cli import main; api.zoo_models = None; main.main()"
    done = subprocess.run([sys.executable, "-c", code, "models"], capture_output=True, text=True)
    assert "TypeError" in done.stderr
    assert "a fault of tfjs-compat itself: please report it" in done.stderr
    assert done.returncode == 3
