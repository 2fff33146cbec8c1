"""The command line as a user meets it: a process with an exit code, tables on stdout, one message on stderr."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.samples import SmallIndex
from support.tools import run_here

from tfjs_compat.trials.runtimes.node import Node
from tfjs_compat.workflows import run as api

MINOR = "{}.{}".format(*sys.version_info[:2])
MATRIX = f"""
models = ["zoo:mlp"]
[axes]
python = ["{MINOR}"]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
"""
BUILDER = "def build():\n    return 1\n"


@dataclass
class Ran:
    code: int
    out: str
    err: str
    seconds: float

    @property
    def message(self) -> str:
        """The one message on stderr, on one line; there is nothing else."""
        assert "Traceback" not in self.err + self.out
        (told,) = re.findall(r"(?s)^(?:error: |Usage: .*\nError: )(.*)\Z", self.err)
        assert len(re.findall(r"(?im)^\s*error\b", self.err)) == 1
        return " ".join(str(told).split())


Tool = Callable[..., Ran]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tool(tmp_path: Path, cache: Path) -> Tool:
    """Runs the command in an empty folder, over a store of the tests' own: in this process, which saves its start."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        started = time.monotonic()
        said = run_here(arguments, tmp_path, environment(cache, env))
        return Ran(said.code, said.out, said.err, time.monotonic() - started)

    return run


def environment(cache: Path, more: dict[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "TFJS_COMPAT_CACHE": str(cache), "COLUMNS": "80", **(more or {})}


@pytest.fixture
def child(tmp_path: Path, cache: Path) -> Tool:
    """The same as a process of its own, where starting and ending is the subject."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tfjs_compat", *arguments],
            cwd=tmp_path,
            env=environment(cache, env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    return run


@pytest.fixture
def index(small_index: SmallIndex) -> SmallIndex:
    """An index that has a TensorFlow and a converter of a hundred bytes."""
    small_index.add("tensorflow", "2.15.0")
    small_index.add("tensorflowjs", "4.17.0", "tensorflow")
    return small_index


def put(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, "utf-8")


# ------------------------------------------------------------------------------------------------------ the first look


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
    code = "import sys; from tfjs_compat.cli import main as cli; print(*(set(sys.modules) & {'rich', 'requests', 'msgspec', 'uv'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == ""


def test_version(child: Tool) -> None:
    ran = child("--version")
    assert re.fullmatch(r"tfjs-compat, version \d+\.\d+\.\d+\S*\n", ran.out)


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "no such command 'rum'; did you mean 'run'?"),
        (["xyzzy"], "no such command 'xyzzy'; known: "),
        (["env", "lst"], "no such command 'lst'; did you mean 'list'?"),
        (["run", "--tensorflw", "2"], "'--tensorflow'"),
        (["run", "--jobs", "0"], "'--jobs': 0 is not in the range"),
        (["run", "--jobs", "many"], "'--jobs': 'many' is not a valid integer"),
        (["run", "--time-limit", "0"], "'--time-limit': 0.0 is not in the range"),
        (["run", "--time-limit", "nan"], "--time-limit: nan is no number of seconds"),
        (["run", "--until", "covnert"], "'--until': 'covnert' is not one of"),
        (["run", "--runtime", "deno"], "'--runtime': 'deno' is not one of"),
        (["run", "a.toml", "b.toml"], "Got unexpected extra argument (b.toml)"),
        (["run", "nowhere.toml"], "nowhere.toml: there is no such matrix file"),
        (["run", "frontir"], "frontir: there is no such matrix file; shipped with the tool: seed, frontier"),
        (["run", "folder"], "folder: a folder, not a matrix file"),
        (["run", "--process-env", "legacy-kera"], "'legacy-kera'; did you mean 'legacy-keras'?"),
        (["run", "--route", "layer"], "route 'layer': no such route; did you mean 'layers'?"),
        (["run", "--as-of", "yesterday"], "'yesterday' is neither a date such as 2024-04-10 nor 'today'"),
        (["run", "--as-of", "2024-02-30"], "'2024-02-30' is neither a date"),
        (["run", "--tensorflow", "two"], "'two' is neither a version ('2.16.1') nor a range"),
        (["run", "--constraint", "setuptools<<81"], "'setuptools<<81' is no requirement"),
        (["run", "--inputs", "nowhere.npz"], "--inputs: there is no file nowhere.npz"),
        (["known-issues", "duplicate-weight-nam"], "did you mean 'duplicate-weight-name'?"),
        (["env", "path", "abc"], "no environment starts with 'abc'"),
        (["env", "remove"], "Missing argument 'IDS...'"),
        (["env", "gc", "--unused-days", "-1"], "'--unused-days': -1.0 is not in the range"),
    ],
)
def test_a_wrong_command_line(tool: Tool, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "folder").mkdir()
    ran = tool(*arguments)
    assert message in ran.message
    assert ran.code == 2
    assert ran.out == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("modles = []", "m.toml: unknown key 'modles'; did you mean 'models'?"),
        ("[axes]\ntensorflo = ['2.15.0']", "m.toml: unknown key 'axes.tensorflo'; did you mean 'tensorflow'?"),
        ("[limits]\nsecond = 3", "m.toml: unknown key 'limits.second'; did you mean 'seconds'?"),
        ("models = 'zoo:mlp'", "m.toml: key 'models': expected a list, got a text in quotes"),
        ("[axes]\ntensorflow = [2.15]", "key 'axes.tensorflow[0]': expected a text in quotes, got a number"),
        ("[limits]\nseconds = -1", "m.toml: key 'limits.seconds': "),
        ("[limits]\nmemory = '2 GiB'", "m.toml: key 'limits.memory': expected a number"),
        ("[limits]\nseconds = nan", "m.toml: key 'limits.seconds': "),
        ("models = [", "m.toml: not valid TOML: "),
        ("models = ['\x00']", "m.toml: not valid TOML: "),
        ("[axes]\ntensorflow = []", "m.toml: key 'axes.tensorflow': the list is empty"),
        (
            "[axes]\nprocess_env = ['legacy']",
            "key 'axes.process_env': unknown name 'legacy'; did you mean 'legacy-keras'?",
        ),
        ("routes = ['grahp']", "m.toml: key 'routes': route 'grahp': no such route; did you mean 'graph'?"),
        ("[[expect]]\nmodel = 'x'", "m.toml: key 'expect[0]': says nothing"),
        ("until = 'covnert'", "m.toml: key 'until': unknown value 'covnert'; did you mean 'convert'?"),
    ],
)
def test_a_wrong_matrix_file(tool: Tool, tmp_path: Path, content: str, message: str) -> None:
    put(tmp_path, m__toml=content)
    ran = tool("run", "m.toml")
    assert message in ran.message
    assert (ran.code, ran.out) == (2, "")
    assert not (tmp_path / ".tfjs-compat" / "results.json").exists()


def test_a_matrix_file_that_is_no_text(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"\xff\xfe\x00")
    assert "m.toml: not valid TOML" in tool("run", "m.toml").message
    (tmp_path / "pyproject.toml").write_text("[tool.tfjs-compat]\nmodles = []")
    assert "pyproject.toml: unknown key 'modles'" in tool("run").message


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("zoo:mpl", "model 'zoo:mpl': no such example; did you mean 'mlp'?"),
        ("model.keras", "model 'model.keras': there is no model.keras in"),
        ("modle.py:build", "there is no modle.py in"),
        ("model.py", "say which function builds the model: 'model.py:FUNCTION'"),
        ("model.py:bild", "model.py has no 'bild'; did you mean 'build'?"),
        ("wrong.py:build", "wrong.py line 1 is not valid Python"),
        ("package.nowhere:build", "there is no module package.nowhere in"),
        ("empty.keras", "model 'empty.keras': the file is empty"),
        ("text.keras", "neither a .keras archive nor an HDF5 file"),
        ("text.h5", "neither a .keras archive nor an HDF5 file"),
        ("other.keras", "a zip archive without config.json is no .keras file"),
        ("folder", "the folder holds no saved_model.pb, so it is no SavedModel"),
        ("converted", "(it looks like a TensorFlow.js model already)"),
        ("", "model ''"),
        (":", "model ':'"),
        ("x" * 5000, "model 'xxx"),
        ("nul\udcff.keras", "there is no"),
    ],
)
def test_a_wrong_model(tool: Tool, tmp_path: Path, index: SmallIndex, model: str, message: str) -> None:
    put(tmp_path, m__toml=MATRIX, model__py=BUILDER, wrong__py="def build(:\n", text__keras="x", text__h5="x")
    put(tmp_path, empty__keras="")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("x", "x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "converted").mkdir()
    (tmp_path / "converted" / "model.json").write_text("{}")
    ran = tool("run", "m.toml", "--model", model)
    assert message in ran.message
    assert (ran.code, ran.out) == (2, "")
    assert not (tmp_path / ".tfjs-compat").exists()


def test_a_pattern_that_fits_nothing_is_answered_in_short(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--only", "nothing")
    name = f"tf2.15.0-tfjs4.17.0-py{MINOR}"
    assert ran.message == f"--only nothing: fits no case; the names are such as '{name}': `tfjs-compat plan` lists them"
    assert ran.code == 2


def test_a_version_that_does_not_exist(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("plan", "m.toml", "--tensorflow", "2.15.9")
    assert "tensorflow: there is no release '2.15.9'" in ran.message
    assert ran.code == 2


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_tensorflow_js_that_does_not_exist_is_found_before_anything_is_resolved(
    tool: Tool, tmp_path: Path, index: SmallIndex, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    put(tmp_path, m__toml=MATRIX)
    registry = tmp_path / "npm"
    refused = """{"error": {"code": "E404"}}"""
    registry.write_text(f"""#!/bin/sh\n[ "$3" = versions ] && echo '["4.22.0"]' || {{ echo '{refused}'; exit 1; }}\n""")
    registry.chmod(0o755)
    node = Node(Path("/nowhere/node"), "22.0.0", "system", (str(registry),))
    monkeypatch.setattr(api, "find_node", lambda *_: node)
    ran = tool(command, "m.toml", "--tfjs-runtime", "9.9.9")
    assert "tfjs_runtime = '9.9.9': there is no such release of @tensorflow/tfjs; near it: 4.22.0" in ran.message
    assert (ran.code, ran.out) == (2, "")
    assert not (tmp_path / ".tfjs-compat").exists()
    registry.write_text("#!/bin/sh\nexit 1\n")
    assert tool(command, "m.toml", "--tfjs-runtime", "9.9.9").code == 3
    assert not [path for path in index.asked if path.endswith(".whl")]
    told = tool(command, "m.toml", "--tfjs-runtime", "9.9.9", "--until", "convert")
    assert told.code in (0, 1), "nobody needs it"


def test_an_interpreter_that_is_not_there(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("plan", "m.toml", "--python", f"{MINOR}.99")
    assert re.search(rf"no Python {MINOR}\.99 on this machine; found: .*" + re.escape(MINOR), ran.message)
    assert ran.code == 3
    for wrong in ("3.99", "python3"):
        assert tool("plan", "m.toml", "--python", wrong).code == 2


# -------------------------------------------------------------------------------------------- output, store, two runs


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/nowhere", "/dev/null/x"])
def test_an_output_folder_that_cannot_be_written(tool: Tool, tmp_path: Path, index: SmallIndex, output: str) -> None:
    put(tmp_path, m__toml=MATRIX, file="")
    ran = tool("run", "m.toml", "--output", output)
    assert f"--output {tmp_path / output}: cannot be written to: " in ran.message
    assert ran.code == 2


def test_a_store_that_cannot_be_made(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX, file="")
    for command in (["plan", "m.toml"], ["env", "list"], ["env", "gc"]):
        ran = tool(*command, env={"TFJS_COMPAT_CACHE": "file/store"})
        assert re.search(r"file/store\S*: Not a directory", ran.message)
        assert ran.code == 3


HOLDER = """
import sys, time, pathlib
from tfjs_compat.engine.output import lock_output
with lock_output(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


def test_two_runs_into_one_output(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "out")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        ran = tool("run", "m.toml", "--output", "out")
        assert "another run is writing to it; give this one its own folder" in ran.message
        assert ran.code == 2
    finally:
        holder.kill()
        holder.communicate()
    # A run that was killed holds nothing.
    assert tool("run", "m.toml", "--output", "out").code == 1


# ---------------------------------------------------------------------------------------------------------- the index


def test_an_index_that_cannot_be_reached(tool: Tool, tmp_path: Path) -> None:
    put(tmp_path, m__toml=MATRIX)
    secret = "http://user:hush@127.0.0.1:9/simple/"
    for command in ("run", "plan"):
        ran = tool(command, "m.toml", env={"UV_DEFAULT_INDEX": secret, "NO_PROXY": "127.0.0.1"})
        assert "the package index http://127.0.0.1:9/simple/ cannot be reached" in ran.message
        assert ran.code == 3
        assert ran.seconds < 20
        assert "hush" not in ran.err + ran.out


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_index_that_refuses(tool: Tool, tmp_path: Path, index: SmallIndex, status: int) -> None:
    put(tmp_path, m__toml=MATRIX)
    index.status = status
    ran = tool("plan", "m.toml")
    assert "the package index http://127.0.0.1" in ran.message
    assert ran.code == 3


def test_an_index_that_answers_with_something_else(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    index.body = b"<html>Please log in</html>"
    ran = tool("plan", "m.toml")
    assert "gave no package page" in ran.message
    assert ran.code == 3


def test_a_date_needs_upload_times(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    index.timed = False
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--as-of", "2024-04-10", "--output", "out")
    assert ran.code == 3
    assert "gives no upload times, so nothing can be resolved as of 2024-04-10" in " ".join(ran.out.split())
    assert "Traceback" not in ran.err + ran.out
    (case,) = json.loads((tmp_path / "out" / "results.json").read_text())["cases"]
    assert (case["verdict"], case["stage"], case["issue"]) == ("error", "resolve", None)


def test_what_cannot_be_resolved_is_an_answer(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    index.add("tensorflowjs", "4.18.0", "tensorflow<2")
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--tensorflowjs", "4.18.0", "--output", "out")
    assert ran.code == 1
    (case,) = json.loads((tmp_path / "out" / "results.json").read_text())["cases"]
    assert (case["verdict"], case["stage"]) == ("fails", "resolve")
    assert "tensorflowjs" in case["message"]


# --------------------------------------------------------------------------------------------------------------- JSON


def test_json_is_json(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    empty = {"TFJS_COMPAT_CACHE": str(tmp_path / "empty")}
    (planned,) = json.loads(tool("plan", "m.toml", "--json", env=empty).out)["cases"]
    assert planned["combination"]["tensorflow"] == "2.15.0"
    assert planned["cached"] is False
    issues = json.loads(tool("known-issues", "--json").out)
    one = json.loads(tool("known-issues", issues[0]["id"], "--json").out)
    assert one == issues[0]
    assert "mlp" in json.loads(tool("models", "--json").out)
    assert json.loads(tool("env", "list", "--json", env=empty).out) == {"environments": [], "bytes": 0}


def test_doctor_says_what_would_stop_a_run(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    ran = tool("doctor", "--json")
    found = {one["what"]: one for one in json.loads(ran.out)}
    assert found["package index"]["status"] == "ok"
    assert MINOR in found["interpreters"]["says"]
    assert ran.code == (3 if "bad" in {one["status"] for one in found.values()} else 0)
    index.timed = False
    ran = tool("doctor", "--json", env={"TFJS_COMPAT_CACHE": str(tmp_path / "fresh")})
    (asked,) = [one for one in json.loads(ran.out) if one["what"] == "package index"]
    assert (asked["status"], "no upload times" in asked["says"]) == ("note", True)
    ran = tool("doctor", env={"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/"})
    assert ran.code == 3
    assert "A run would stop: package index" in ran.out
    assert ran.err == ""


def test_doctor_survives_a_store_that_cannot_be_made(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, file="")
    ran = tool("doctor", "--json", env={"TFJS_COMPAT_CACHE": "file/store"})
    assert ran.code == 3
    assert {one["status"] for one in json.loads(ran.out) if one["what"] in ("store", "disk")} == {"bad"}
    assert ran.err == ""


# ------------------------------------------------------------------------------------------------- pipes and terminals


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
    assert done.returncode in (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_stdout(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "tfjs_compat", "known-issues"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr == "error: [Errno 28] No space left on device\n"
    assert done.returncode == 3


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = (
        "import os, sys; os.rmdir(os.getcwd()); from tfjs_compat.cli.main import main; sys.argv[1:] = ['run']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "gone", capture_output=True, text=True)
    assert done.stderr == "error: [Errno 2] No such file or directory\n"
    assert done.returncode == 3


def test_a_fault_of_the_tool_is_not_a_case_that_failed() -> None:
    code = "import sys; from tfjs_compat.cli import main as cli; from tfjs_compat.matrix import models; models.zoo_models = None; cli.main()"
    done = subprocess.run([sys.executable, "-c", code, "models"], capture_output=True, text=True)
    assert "TypeError" in done.stderr
    assert "a fault of tfjs-compat itself: please report it" in done.stderr
    assert done.returncode == 3


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
@pytest.mark.parametrize("command", [["plan", "m.toml"], ["known-issues"], ["models"], ["doctor"], ["env", "list"]])
def test_no_escapes_where_nobody_reads_them(
    tool: Tool, tmp_path: Path, index: SmallIndex, command: list[str], name: str
) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*command, env={name: "dumb"})
    assert "\x1b" not in ran.out + ran.err
    assert ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is a pty here")
@pytest.mark.parametrize("command", ["plan m.toml", "known-issues", "doctor", "run m.toml --output out"])
def test_a_terminal_of_80_columns_without_colours(tmp_path: Path, cache: Path, index: SmallIndex, command: str) -> None:
    import pty
    import termios

    put(tmp_path, m__toml=MATRIX)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 80)) if sys.version_info >= (3, 11) else pytest.skip("no size to set")
    environment = {**os.environ, "TFJS_COMPAT_CACHE": str(cache), "NO_COLOR": "1", "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    child = subprocess.Popen(
        [sys.executable, "-m", "tfjs_compat", *command.split()],
        cwd=tmp_path,
        env=environment,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError), os.fdopen(ours, "rb", buffering=0) as terminal:
        while chunk := terminal.read(1 << 16):
            said += chunk
    child.communicate(timeout=60)
    assert said
    assert not re.search(rb"\x1b\[[0-9;]*[34][0-9]", said)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode()).splitlines()
    assert [line for line in lines if len(line) > 80] == []


# ------------------------------------------------------------------------------------------------- a run, nearly whole


def test_a_run_over_packages_that_hold_nothing(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    """Locked, built and started for real: what fails is the import, and it says so."""
    put(tmp_path, m__toml=MATRIX, model__py=BUILDER)
    ran = tool("run", "m.toml", "--output", "out", "--model", "model.py:build", "--json")
    assert ran.code == 1
    told = json.loads(ran.out)
    assert told == json.loads((tmp_path / "out" / "results.json").read_text())
    (case,) = told["cases"]
    assert (case["verdict"], case["stage"]) == ("fails", "import")
    assert "No module named 'tensorflow'" in case["message"]
    assert "No module named 'tensorflow'" in (tmp_path / "out" / case["log"]).read_text()
    lock = (tmp_path / "out" / "locks" / f"{case['lock']}.txt").read_text()
    assert "tensorflow==2.15.0" in lock
    assert "--hash=sha256:" in lock
    assert "written: out/results.json" in ran.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".lock", "cases", "locks", "results.json"]
    assert case["lock"] in [one["id"] for one in json.loads(tool("env", "list", "--json").out)["environments"]]
    assert tool("env", "path", case["lock"]).out.strip().endswith(f"{case['lock']}{os.sep}venv")
    assert tool("env", "remove", case["lock"]).out == f"removed {case['lock']}\n"
    assert tool("env", "remove", case["lock"]).code == 2


def test_no_secret_gets_into_output_or_store(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    builder = textwrap.dedent(
        """
        import os
        def build():
            print(sorted(os.environ.items()))
        """
    )
    put(tmp_path, m__toml=MATRIX, model__py=builder)
    secrets = {"MY_TOKEN": "hush-1", "AWS_SECRET_ACCESS_KEY": "hush-2", "UV_PUBLISH_TOKEN": "hush-3"}
    secrets["UV_DEFAULT_INDEX"] = index.url.replace("http://", "http://user:hush-4@")
    cache = tmp_path / "own-cache"
    ran = tool(
        "run",
        "m.toml",
        "--output",
        "out",
        "--model",
        "model.py:build",
        env={**secrets, "TFJS_COMPAT_CACHE": str(cache)},
    )
    assert ran.code == 1
    files = [path for root in (tmp_path / "out", cache) for path in root.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if b"hush-" in path.read_bytes()] == []
    assert "hush" not in ran.out + ran.err
