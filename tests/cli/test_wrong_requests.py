"""`run` with a wrong matrix, model, pattern or version: one message that names it, exit code 2."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
from support.commands import BUILDER, MATRIX, MINOR, Tool, put
from support.samples import SmallIndex

from tfjs_compat.trials.runtimes.node import Node
from tfjs_compat.workflows import run as api


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("modles = []", "m.toml: unknown key 'modles' hint: did you mean 'models'?"),
        ("[axes]\ntensorflo = ['2.15.0']", "m.toml: unknown key 'axes.tensorflo' hint: did you mean 'tensorflow'?"),
        ("[limits]\nsecond = 3", "m.toml: unknown key 'limits.second' hint: did you mean 'seconds'?"),
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
            "key 'axes.process_env': unknown name 'legacy' hint: did you mean 'legacy-keras'?",
        ),
        ("routes = ['grahp']", "m.toml: key 'routes': route 'grahp': no such route hint: did you mean 'graph'?"),
        ("[[expect]]\nmodel = 'x'", "m.toml: key 'expect[0]': it expects nothing"),
        (f"[[exclude]]\nmodel = '{'[' * 50_000}'", "m.toml: key 'exclude[0].model': it has more than 1000 characters"),
        ("until = 'covnert'", "m.toml: key 'until': unknown value 'covnert' hint: did you mean 'convert'?"),
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
        ("zoo:mpl", "model 'zoo:mpl': no such example hint: did you mean 'mlp'?"),
        ("model.keras", "model 'model.keras': there is no model.keras in"),
        ("modle.py:build", "there is no modle.py in"),
        ("model.py", "a Python file without the name of a builder hint: write 'model.py:build'"),
        ("model.py:bild", "model.py has no 'bild' hint: did you mean 'build'?"),
        ("wrong.py:build", "wrong.py line 1 is not valid Python"),
        ("package.nowhere:build", "there is no module package.nowhere in"),
        ("empty.keras", "model 'empty.keras': the file is empty"),
        ("text.keras", "neither a .keras archive nor an HDF5 file"),
        ("text.h5", "neither a .keras archive nor an HDF5 file"),
        ("other.keras", "the zip archive is no .keras file: it holds no config.json"),
        ("folder", "the folder is no SavedModel: it holds no saved_model.pb"),
        ("converted", "hint: `tfjs-compat check converted` checks a TensorFlow.js model"),
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


@pytest.mark.skipif(os.name == "nt", reason="names of bytes")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run m.toml --time nan", "nan is not a finite number"),
        ("run m.toml --time-limit inf", "inf is not a finite number"),
        ("reduce --time nan", "nan is not a finite number"),
        ("bisect --time inf --package numpy", "inf is not a finite number"),
        (
            "find --model m --tensorflow 2.16",
            "hint: --require 'tensorflow==VERSION', or a range",
        ),
        ("convert --model m --output o --keras 3", "hint: --require 'keras==VERSION'"),
        ("env gc --unused-days nan", "nan is not a finite number"),
        ("repair there --output new --require tensorflow=>2", "--require says nothing without --reference"),
        ("repair there --output new --inputs x.npz", "--inputs says nothing without --reference"),
    ],
)
def test_an_option_that_cannot_be(tool: Tool, words: str, message: str) -> None:
    ran = tool(*words.split())
    assert ran.code == 2
    assert message in " ".join(ran.err.split())


@pytest.mark.parametrize("words", ["run m.toml --output", "report", "check", "report --to", "merge", "diff x"])
def test_an_empty_name_is_no_folder(tool: Tool, tmp_path: Path, words: str) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*words.split(), "")
    assert ran.code == 2
    assert "it is empty: give the name of a file or folder" in " ".join(ran.err.split())
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["m.toml"]


def test_an_output_that_a_terminal_would_obey(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX, model__py=BUILDER)
    ran = tool("run", "m.toml", "--until", "resolve", "--output", "n\n\x1b[31m")
    assert ran.code == 2
    assert "has control characters" in ran.err
    assert "\x1b" not in ran.err


def test_the_password_of_an_address_in_place_of_a_model(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("plan", "m.toml", "--model", "http://u:SECRET@host.example/m.h5")
    assert ran.code == 2
    assert "SECRET" not in ran.err + ran.out


def test_a_model_whose_name_is_no_text(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    (tmp_path / "x\udcff.h5").write_bytes(b"\x89HDF\r\n\x1a\n1234")
    ran = tool("run", "m.toml", "--model", "x\udcff.h5")
    assert "is no text in UTF-8 hint: rename it" in ran.message
    assert ran.code == 2


@pytest.mark.parametrize("output", ["o" * 300, "o" * 5000, "/".join(["o" * 99] * 38), "o\udcff", "m.toml", "m.toml/x"])
@pytest.mark.parametrize("command", [("run", "m.toml"), ("convert", "--model", "zoo:mlp")], ids=lambda words: words[0])
def test_an_output_folder_that_cannot_be(
    tool: Tool, tmp_path: Path, index: SmallIndex, output: str, command: tuple[str, ...]
) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*command, "--output", output)
    assert ran.message.startswith("--output ")
    assert ran.code == 2
    assert len(ran.err) < 2000


@pytest.mark.parametrize(
    "words",
    ["plan m.toml --route", "plan m.toml --tensorflow", "plan", "env path", "known-issues", "report", "check"],
)
def test_a_value_of_a_hundred_thousand_characters_is_shown_in_short(tool: Tool, tmp_path: Path, words: str) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool(*words.split(), "x" * 100_000)
    assert ran.code == 2
    assert "characters)" in ran.message
    assert len(ran.err) < 3000


def test_a_pattern_that_fits_nothing_is_answered_in_short(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("run", "m.toml", "--only", "nothing")
    name = f"tf2.15.0-tfjs4.17.0-py{MINOR}"
    assert ran.message == (
        "--only nothing: no case has such an id or combination "
        f"hint: `tfjs-compat plan` lists them, the first is '{name}'"
    )
    assert ran.code == 2


def test_a_version_that_does_not_exist(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("plan", "m.toml", "--tensorflow", "2.15.9")
    assert "tensorflow: there is no release '2.15.9'" in ran.message
    assert ran.code == 2


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_missing_tensorflow_js_release_is_found_before_resolving(
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
    assert (
        "tfjs_runtime = '9.9.9': there is no such release of @tensorflow/tfjs hint: the nearest are 4.22.0"
        in ran.message
    )
    assert (ran.code, ran.out) == (2, "")
    assert not (tmp_path / ".tfjs-compat").exists()
    registry.write_text("#!/bin/sh\nexit 1\n")
    assert tool(command, "m.toml", "--tfjs-runtime", "9.9.9").code == 3
    assert not [path for path in index.requests if path.endswith(".whl")]
    unchecked = tool(command, "m.toml", "--tfjs-runtime", "9.9.9", "--until", "convert")
    assert unchecked.code in (0, 1), "a run that ends before needs no TensorFlow.js"


def test_an_interpreter_that_is_not_there(tool: Tool, tmp_path: Path, index: SmallIndex) -> None:
    put(tmp_path, m__toml=MATRIX)
    ran = tool("plan", "m.toml", "--python", f"{MINOR}.99")
    assert re.search(rf"no Python {MINOR}\.99 on this machine; found: .*" + re.escape(MINOR), ran.message)
    assert ran.code == 3
    for wrong in ("3.99", "python3"):
        assert tool("plan", "m.toml", "--python", wrong).code == 2
