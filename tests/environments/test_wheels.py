"""Unpacked wheels: split by what their RECORDs list, linked into an environment as if installed there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tfjs_compat.environments.linking import link_all, scripts
from tfjs_compat.environments.wheels import split_by_distribution, stored_wheels
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import make_lock

PYTHON = Interpreter("3.11.7", "linux-x86_64", "/usr/bin/python3.11")
PINS = (
    "a-b==1.0 \\\n    --hash=sha256:11\n"
    "c==2.0 ; python_version > '3' \\\n    --hash=sha256:22 \\\n    --hash=sha256:33\n"
)


def install(folder: Path, name: str, version: str, files: Mapping[str, str]) -> None:
    """Write what an installer would, RECORD included."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    whole = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    for path, content in whole.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, "utf-8")
    (folder / info / "RECORD").write_text("".join(f"{path},,\n" for path in [*whole, f"{info}/RECORD"]), "utf-8")


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_key_stands_for_what_chooses_the_wheel() -> None:
    lock = make_lock(PINS, PYTHON, source_builds=False)
    keys = [wheel.key for wheel in stored_wheels(lock, PYTHON)]
    assert [key.rsplit("-", 1)[0] for key in keys] == ["a-b-1.0", "c-2.0"]
    other_python = Interpreter("3.12.1", "linux-x86_64", "/usr/bin/python3.12")
    other_hash = make_lock(PINS.replace("33", "44"), PYTHON, source_builds=False)
    assert not set(keys) & {wheel.key for wheel in stored_wheels(lock, other_python)}
    assert keys[0] == stored_wheels(other_hash, PYTHON)[0].key
    assert keys[1] != stored_wheels(other_hash, PYTHON)[1].key
    # The folders of wheels that are unpacked already.
    assert keys == ["a-b-1.0-75d08d5ec6fd", "c-2.0-925b4571612d"]
    assert "".join(wheel.lines for wheel in stored_wheels(lock, PYTHON)) == PINS


def test_distributions_are_split_by_their_records(tmp_path: Path) -> None:
    together = tmp_path / "all"
    install(together, "proto", "1", {"google/proto/__init__.py": "", "proto.py": ""})
    install(together, "auth-lib", "2", {"google/auth/__init__.py": "", "google/auth/x.so": "", "bin/auth": "#!x\n"})
    install(together, "plain", "3", {"plain/__init__.py": "", "plain/data/a.txt": "1"})
    folders = {name: tmp_path / name for name in ("proto", "auth-lib", "plain")}
    assert split_by_distribution(together, folders) == set()
    assert tree(folders["proto"]) == {
        "google/proto/__init__.py",
        "proto.py",
        "proto-1.dist-info/METADATA",
        "proto-1.dist-info/RECORD",
    }
    assert {"google/auth/x.so", "bin/auth"} <= tree(folders["auth-lib"])
    assert {"plain/__init__.py", "plain/data/a.txt"} <= tree(folders["plain"])


def test_distributions_that_share_a_file_are_named(tmp_path: Path) -> None:
    together = tmp_path / "all"
    install(together, "one", "1", {"tests/__init__.py": "one", "one.py": ""})
    install(together, "two", "1", {"tests/__init__.py": "two", "two.py": ""})
    install(together, "three", "1", {"three.py": ""})
    folders = {name: tmp_path / name for name in ("one", "two", "three")}
    assert split_by_distribution(together, folders) == {"one", "two"}


def test_a_distribution_that_did_not_arrive_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    with pytest.raises(MachineryError, match="ghost"):
        split_by_distribution(tmp_path / "all", {"ghost": tmp_path / "ghost"})


def test_a_record_cannot_reach_outside(tmp_path: Path) -> None:
    together = tmp_path / "all"
    install(together, "evil", "1", {"evil.py": ""})
    (tmp_path / "precious").write_text("keep", "utf-8")
    record = together / "evil-1.dist-info" / "RECORD"
    record.write_text(record.read_text("utf-8") + "../precious,,\n/etc/hostname,,\n", "utf-8")
    split_by_distribution(together, {"evil": tmp_path / "evil"})
    assert (tmp_path / "precious").read_text("utf-8") == "keep"


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A virtualenv of this Python with three distributions linked in, two of them in one namespace."""
    import virtualenv

    names: dict[str, dict[str, str]] = {
        "ns-a": {"ns/a/__init__.py": "WHERE = __file__\n", "ns_a_top.py": "X = 1\n"},
        "ns-b": {
            "ns/b/__init__.py": "from importlib.resources import files\nD = files(__name__) / 'd.txt'\n",
            "ns/b/d.txt": "hi",
        },
        "tool": {
            "tool.py": "def main():\n    import ns.a, ns.b\n    print('ran', ns.b.D.read_text())\n",
            "tool-1.dist-info/entry_points.txt": "[console_scripts]\ntool = tool:main [extra]\n",
            "bin/tool": "#!/nowhere/python\nraise SystemExit('the script that was unpacked')\n",
            "bin/other": "#!/nowhere/bin/python3\nprint('other ran')\n",
            "hook.pth": "import sys; sys.hooked = True\n",
            "share/tool/readme": "data",
        },
    }
    trees = []
    for name, files in names.items():
        install(tmp_path / "wheels" / name, name, "1", files)
        trees.append(tmp_path / "wheels" / name)
    venv = tmp_path / "environments" / "e" / "venv"
    virtualenv.cli_run([str(venv), "--no-seed", "--python", sys.executable], setup_logging=False)
    link_all(trees, venv)
    return venv


def python_says(venv: Path, code: str) -> str:
    done = subprocess.run([venv / "bin" / "python", "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_imports_namespaces_and_package_data(linked: Path) -> None:
    assert python_says(linked, "import ns.a, ns.b, ns_a_top; print(ns.b.D.read_text(), ns_a_top.X)") == "hi 1"
    assert str(linked) in python_says(linked, "import ns.a; print(ns.a.WHERE)")


def test_metadata_and_path_files(linked: Path) -> None:
    code = "import importlib.metadata as m, sys; print(sorted(d.name for d in m.distributions()), sys.hooked)"
    assert python_says(linked, code) == "['ns-a', 'ns-b', 'tool'] True"


def test_scripts_run_with_the_environments_python(linked: Path) -> None:
    for name, said in (("tool", "ran hi"), ("other", "other ran")):
        done = subprocess.run([linked / "bin" / name], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == said
    assert (linked / "share" / "tool" / "readme").read_text("utf-8") == "data"


def test_bytecode_is_shared_through_the_links(linked: Path) -> None:
    python_says(linked, "import ns_a_top, tool, ns.a")
    assert list((linked.parents[2] / "wheels" / "ns-a" / "ns" / "a" / "__pycache__").glob("*.pyc"))


def test_a_store_can_be_moved_as_a_whole(linked: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    for name in ("wheels", "environments"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    venv = tmp_path / "moved" / "environments" / "e" / "venv"
    assert python_says(venv, "import ns.b; print(ns.b.D.read_text())") == "hi"


@pytest.mark.parametrize("where", ["/short/venv/bin/python", "/with a space/bin/python", "/" + "long" * 60 + "/python"])
def test_scripts_start_whatever_the_path(tmp_path: Path, where: str) -> None:
    install(tmp_path, "tool", "1", {"tool-1.dist-info/entry_points.txt": "[console_scripts]\nx = tool.sub:cli.main\n"})
    ((name, content),) = scripts(tmp_path, Path(where))
    text = content.decode()
    assert name == "x"
    assert "from tool.sub import cli" in text
    assert "sys.exit(cli.main())" in text
    assert text.startswith(f"#!{where}\n") == (where == "/short/venv/bin/python")
    compile(text.partition("\n")[2], "x", "exec")
