"""What the user has: requirements files, uv.lock, the active environment."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfjs_compat.errors import RequestError
from tfjs_compat.search.installed import Installed, read_installed


def given(tmp_path: Path, text: str, name: str = "requirements.txt") -> Installed:
    (tmp_path / name).write_text(text, "utf-8")
    return read_installed(str(tmp_path / name))


def test_a_requirements_file_gives_versions_and_what_else_is_needed(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("Flask_Login==1.0  # a comment\n")
    text = """
--index-url https://example.org/simple
-r more.txt
tensorflow-cpu==2.16.1 \\
    --hash=sha256:abc \\
    --hash=sha256:def
tensorflowjs==4.17.0; python_version > "3"
keras
pandas[excel]>=2 ; sys_platform != "never"
only-there==1 ; sys_platform == "never"
"""
    found = given(tmp_path, text)
    assert found.versions == {"tensorflow": "2.16.1", "tensorflowjs": "4.17.0", "flask-login": "1.0"}
    assert found.requirements == ("flask-login", "pandas[excel]")
    assert found.pins() == ("flask-login==1.0", "tensorflow==2.16.1", "tensorflowjs==4.17.0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tensorflow = 2.16", "line 1: 'tensorflow = 2.16' is not a valid requirement; expected e.g. 'numpy==1.26.4'"),
        ("numpy\n-e .", "line 2: '-e .' is not a package of an index"),
        ("git+https://example.org/x", "is not a package of an index"),
        ("-r gone.txt", "line 1: there is no file"),
        ("numpy==1 \\\n  --hash=sha256:0 \\\n  --hash=sha256:1\n-e .", "line 4: '-e .'"),
        ("--frobnicate", "unknown option '--frobnicate'"),
        ("tensorflow===mine", "line 1: 'mine' is not a valid version"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)):
        given(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_file_that_windows_wrote_is_read(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "r.txt").write_bytes((mark + "tensorflow==2.16.1\r\nnumpy\r\n").encode(encoding))
    assert read_installed(str(tmp_path / "r.txt")) == Installed({"tensorflow": "2.16.1"}, ("numpy",))


@pytest.mark.parametrize(
    "text",
    [
        'package = "x"',
        "package = [1]",
        '[[package]]\nname = "a"\nversion = "foo"',
        '[[package]]\nname = "a"\nversion = "1"\nsource = { virtual = "." }\ndependencies = ["x"]',
        '[[package]]\nname = "a"\nversion = "1"\nsource = 3',
    ],
)
def test_a_lock_of_another_make_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RequestError, match=r"not a uv\.lock"):
        given(tmp_path, text, "other.lock")


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--from \S+: \S+: line 1: files name one another"):
        given(tmp_path, "-r requirements.txt")


def test_a_uv_lock_gives_versions_and_the_projects_own_dependencies(tmp_path: Path) -> None:
    text = """
version = 1
[[package]]
name = "mine"
version = "0.1"
source = { editable = "." }
dependencies = [{ name = "tensorflow" }, { name = "pillow" }]
[[package]]
name = "tensorflow"
version = "2.19.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "numpy" }]
[[package]]
name = "pillow"
version = "11.0.0"
source = { registry = "https://pypi.org/simple" }
"""
    found = given(tmp_path, text, "uv.lock")
    assert found.versions == {"tensorflow": "2.19.0", "pillow": "11.0.0"}
    assert found.requirements == ("pillow",)


def test_what_is_no_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"not a uv\.lock"):
        given(tmp_path, "tensorflow==2.16.1 = [", "uv.lock")
    with pytest.raises(RequestError, match="there is no such file"):
        read_installed(str(tmp_path / "gone.txt"))


def test_the_active_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    for name, version in (("tensorflow", "2.15.0"), ("Some_Thing", "1.2")):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    found = read_installed("active")
    assert found.versions["tensorflow"] == "2.15.0"
    assert found.versions["some-thing"] == "1.2"
    assert found.requirements == ()
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "gone"))
    with pytest.raises(RequestError, match="cannot list what is installed"):
        read_installed("active")


def test_the_active_environment_sees_no_secret_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nenv > {tmp_path}/seen\necho \'{{"tensorflow": "2.15.0"}}\' > "$4"\n')
    python.chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("SOME_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert read_installed("active").versions == {"tensorflow": "2.15.0"}
    seen = (tmp_path / "seen").read_text()
    assert "secret" not in seen
    assert "PYTHONPATH" not in seen


@pytest.mark.parametrize("program", ["exit 3", "echo nothing", "echo '[]' > $4", "kill -9 $$"])
def test_an_environment_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    with pytest.raises(RequestError, match=f"cannot list what is installed in {re.escape(str(tmp_path / 'env'))}"):
        read_installed("active")


def test_of_a_file_elsewhere_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine x login y password s3cret\n")
    (tmp_path / "project" / "more").mkdir(parents=True)
    (tmp_path / "project" / "more" / "requirements.txt").write_text("no such thing\n")
    with pytest.raises(RequestError, match=r"more/requirements\.txt: line 1: 'no such thing' is not a valid"):
        given(tmp_path / "project", "-r more/requirements.txt")
    with pytest.raises(RequestError, match=r"netrc: line 1: it is not a valid requirement") as raised:
        given(tmp_path / "project", "numpy\n-r ../netrc")
    assert "s3cret" not in str(raised.value)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
def test_the_variables_of_the_tool_are_no_requirements(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self/environ")
    for name in ("/proc/self/environ", "link"):
        with pytest.raises(RequestError, match="line 1: there is no file"):
            given(tmp_path, f"-r {name}")


@pytest.mark.parametrize("address", ["file:///my/own", "https://example.org/own.whl", "git+https://example.org/own"])
def test_a_package_at_an_address_is_not_the_indexs(tmp_path: Path, address: str) -> None:
    with pytest.raises(RequestError, match="is not a package of an index"):
        given(tmp_path, f"own @ {address}")
