"""A store that was damaged: no verdict comes of it, and it is mended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.faulty_index import Fault, FaultyIndex
from support.runs import MATRIX, NUMPY, TENSORFLOW, Runs, add_module

from tfjs_compat.environments.records import damage, is_bytecode
from tfjs_compat.environments.sealing import is_sealed


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, FaultyIndex]]:
    """The folder of a run that has been, whose builder raises a ValueError, and the index of its packages."""
    with FaultyIndex() as index:
        add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
        add_module(index, "tensorflowjs", "4.17.0", "")
        add_module(index, "tensorflowjs", "4.18.0", "import no_such_module")
        add_module(index, "numpy", "1.26.4", NUMPY + "x = 1\n" * 200)
        runs = Runs(tmp_path_factory.mktemp("built"), index)  # type: ignore[arg-type]
        (runs.folder / "m.toml").write_text(MATRIX.replace(', "model.py:build_slowly"', ""))
        assert run(runs)[0] == 1
        assert messages(runs) == ["ValueError: ended"]
        yield runs.folder, index


@pytest.fixture
def index(built: tuple[Path, FaultyIndex]) -> Iterator[FaultyIndex]:
    yield built[1]
    built[1].damages = []


@pytest.fixture
def runs(tmp_path: Path, built: tuple[Path, FaultyIndex], index: FaultyIndex) -> Iterator[Runs]:
    """Its folder, store and uv's cache included, to damage."""
    shutil.copytree(built[0], tmp_path / "copy", symlinks=True)
    matrix = (built[0] / "m.toml").read_text()
    runs = Runs(tmp_path / "copy", index)  # type: ignore[arg-type]
    (runs.folder / "m.toml").write_text(matrix)
    yield runs
    for child in runs.started:
        child.kill()
        child.communicate()


def env(runs: Runs, command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tfjs_compat", "env", *command.split()],
        env=runs.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def of_the_user(runs: Runs) -> Path:
    """A folder that holds what nobody but its user may change."""
    folder = runs.folder / "of the user"
    (folder / "below" / "__pycache__").mkdir(parents=True)
    for name in ("precious", "below/__init__.py", "below/__pycache__/m.cpython-311.pyc", "numpy/__init__.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("precious")
    return folder


def state(folder: Path) -> dict[str, tuple[int, str]]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_text()) for path in found}


def numpy_tree(runs: Runs) -> Path:
    (tree,) = (runs.store / "wheels").glob("numpy-*")
    return tree


def link_in_place_of(path: Path, target: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to(target, target_is_directory=True)


LINKS = {
    "a wheel": lambda runs, target: link_in_place_of(numpy_tree(runs), target),
    "a package": lambda runs, target: link_in_place_of(numpy_tree(runs) / "numpy", target / "numpy"),
    "bytecode": lambda runs, target: link_in_place_of(
        numpy_tree(runs) / "numpy" / "__pycache__", target / "below" / "__pycache__"
    ),
    "a RECORD's folder": lambda runs, target: link_in_place_of(
        next(numpy_tree(runs).glob("*.dist-info")), target / "below"
    ),
    "an environment": lambda runs, target: link_in_place_of(
        runs.store / "environments" / runs.environments()[0], target
    ),
    "an entry of nobody": lambda runs, target: (runs.store / "wheels" / "mine").symlink_to(target),
    "an outcome": lambda runs, target: link_in_place_of(next((runs.store / "outcomes").iterdir()), target),
    "scratch": lambda runs, target: (runs.store / "scratch" / "uv-12345678").symlink_to(target),
    "all wheels": lambda runs, target: link_in_place_of(runs.store / "wheels", target),
    "all environments": lambda runs, target: link_in_place_of(runs.store / "environments", target),
    "all outcomes": lambda runs, target: link_in_place_of(runs.store / "outcomes", target),
}


@pytest.mark.parametrize(
    "name", [name if name in ("a wheel", "a package") else pytest.param(name, marks=pytest.mark.full) for name in LINKS]
)
@pytest.mark.parametrize("command", ["verify", "gc --unused-days 0", pytest.param("run", marks=pytest.mark.full)])
def test_what_a_link_in_the_store_leads_to_stays_as_it_is(runs: Runs, name: str, command: str) -> None:
    target = of_the_user(runs)
    LINKS[name](runs, target)
    before = state(target)
    for each in (command, "verify", "gc --unused-days 0", "run"):
        said = run(runs)[1] if each == "run" else env(runs, each)
        assert state(target) == before, said
    if not name.startswith("all "):
        assert messages(runs) == ["ValueError: ended"]


@pytest.mark.parametrize("lost", ["lib", pytest.param("site-packages", marks=pytest.mark.full)])
@pytest.mark.parametrize("by", ["empty", "link"])
def test_an_environment_that_leads_to_nothing_is_no_verdict(runs: Runs, lost: str, by: str) -> None:
    venv = runs.store / "environments" / runs.environments()[0] / "venv"
    (path,) = [venv / "lib"] if lost == "lib" else venv.rglob(lost)
    elsewhere = runs.folder / "elsewhere"
    shutil.copytree(path, elsewhere, symlinks=True)
    shutil.rmtree(path)
    for found in elsewhere.rglob("tensorflow*"):
        found.unlink()
    shutil.rmtree(runs.store / "outcomes")
    if by == "link":
        path.symlink_to(elsewhere)
    else:
        shutil.copytree(elsewhere, path, symlinks=True)
    code, said = run(runs)
    assert code == 3, said
    assert "the store is damaged, which `tfjs-compat env verify` mends" in messages(runs)[0]
    assert "does not lead to the package" in env(runs, "verify")
    assert run(runs)[0] == 1
    assert messages(runs) == ["ValueError: ended"]


def other_wheel(runs: Runs) -> Path:
    """A tensorflow that no environment is made of, and that cannot be imported."""
    tree = runs.store / "wheels" / "tensorflow-0.0.1-0123456789ab" / "tensorflow"
    tree.mkdir(parents=True)
    (tree / "__init__.py").write_text("import no_such_module_here")
    return tree


def exchange(path: Path, other: Path, *, link: bool) -> None:
    path.unlink()
    path.symlink_to(other) if link else shutil.copytree(other, path)


ASTRAY: dict[str, Callable[[Runs, Path], None]] = {
    "a package is gone": lambda runs, site: (site / "tensorflow").unlink(),
    "a link to another wheel": lambda runs, site: exchange(site / "tensorflow", other_wheel(runs), link=True),
    "a folder of its own": lambda runs, site: exchange(site / "tensorflow", other_wheel(runs), link=False),
    "a stranger's module": lambda runs, site: exec_at_start(site / "sitecustomize.py"),
    "a stranger's .pth": lambda runs, site: exec_at_start(site / "zz.pth"),
    "a pipe": lambda runs, site: os.mkfifo(site / "zz.pth"),
}
"""What site-packages can be that is not what was put there, so that an import of the packages fails or has no end."""


def exec_at_start(path: Path) -> None:
    path.write_text("import sys; sys.modules['tensorflow'] = None\n")


@pytest.mark.parametrize("name", ASTRAY)
def test_site_packages_that_are_not_what_was_put_there_are_no_verdict(runs: Runs, name: str) -> None:
    venv = runs.store / "environments" / runs.environments()[0] / "venv"
    (site,) = venv.rglob("site-packages")
    ASTRAY[name](runs, site)
    shutil.rmtree(runs.store / "outcomes")
    code, said = run(runs, "--time-limit", "5")
    assert code == 3, said
    assert "the store is damaged, which `tfjs-compat env verify` mends" in messages(runs)[0]
    assert "it is built anew when it is needed" in env(runs, "verify")
    assert run(runs)[0] == 1
    assert messages(runs) == ["ValueError: ended"]


def test_an_environment_without_its_settings_is_built_anew(runs: Runs) -> None:
    """Its Python reads ``pyvenv.cfg`` first, and would wait for a pipe for ever."""
    settings = runs.store / "environments" / runs.environments()[0] / "venv" / "pyvenv.cfg"
    settings.unlink()
    os.mkfifo(settings)
    assert run(runs, "--no-cache")[0] == 1
    assert messages(runs) == ["ValueError: ended"]
    assert settings.is_file()


def test_what_a_killed_run_was_filling_goes_with_any_next_run(runs: Runs) -> None:
    left = runs.store / "wheels" / ".filling-killed" / "all" / "numpy"
    left.mkdir(parents=True)
    (left / "__init__.py").write_text("x = 1")
    assert run(runs)[0] == 1
    assert list((runs.store / "wheels").glob(".filling-*")) == []


@pytest.mark.full
def test_a_python_in_path_that_does_not_answer_is_named(runs: Runs) -> None:
    (runs.folder / "bin").mkdir()
    path = runs.folder / "bin" / "python3.11"
    path.write_text("#!/bin/sh\nexec sleep 7655\n")
    path.chmod(0o755)
    runs.environment["PATH"] = f"{path.parent}{os.pathsep}{runs.environment['PATH']}"
    code, out, err = runs.end(runs.start(), 170)
    assert code == 3
    assert f"error: {path} does not answer hint: take it out of PATH" in " ".join((out + err).split())
    assert runs.left() == []


def test_what_is_no_wheel_is_not_removed(runs: Runs) -> None:
    (runs.store / "wheels" / "mine").mkdir()
    (runs.store / "wheels" / "mine" / "precious").write_text("precious")
    assert "all whole" in env(runs, "verify")
    env(runs, "gc --unused-days 0")
    assert (runs.store / "wheels" / "mine" / "precious").exists()


@pytest.mark.parametrize(
    "pattern",
    [
        "environments/*/environment.json",
        *(
            pytest.param(pattern, marks=pytest.mark.full)
            for pattern in (
                "environments/*/lock.txt",
                "environments/*/wheels.json",
                "outcomes/*/outcome.json",
                "resolved/*.json",
                "index/*.json",
                "interpreters/*.json",
                "programs/*.json",
                "code/*.json",
                "cache-keys/*.json",
                "wheels/numpy-*/*.dist-info/RECORD",
                "wheels/numpy-*/numpy/__init__.py",
                "durations.jsonl",
            )
        ),
    ],
)
@pytest.mark.parametrize("put", ["pipe", "bytes", "hole", "folder"])
def test_what_stands_in_place_of_a_file_of_the_store(runs: Runs, pattern: str, put: str) -> None:
    for path in list(runs.store.glob(pattern)):
        path.unlink()
        if put == "pipe":
            os.mkfifo(path)
        elif put == "folder":
            path.mkdir()
        else:
            path.write_bytes(b"\xff\xfe" * 100)
            if put == "hole":
                os.truncate(path, 1 << 40)
    code, said = run(runs)
    assert code in (1, 3), said
    env(runs, "verify")
    code, said = run(runs)
    assert code == 1, said
    assert messages(runs) == ["ValueError: ended"]


def run(runs: Runs, *arguments: str) -> tuple[int, str]:
    code, out, err = runs.end(runs.start(*arguments), 60)
    return code, " ".join((out + err).split())


def messages(runs: Runs) -> list[str]:
    return [case["message"] for case in runs.results()["cases"]]


def verify(runs: Runs, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tfjs_compat", "env", "verify", *arguments]
    ran = subprocess.run(command, env=runs.environment, cwd=runs.folder, capture_output=True, text=True)
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran.returncode, ran.stdout


def numpy(runs: Runs) -> Path:
    (tree,) = (runs.store / "wheels").glob("numpy-*")
    return tree


def bytecode(tree: Path) -> Path:
    return next(tree.glob("numpy/__pycache__/__init__.*.pyc"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "bytecode is cut": lambda tree: cut(bytecode(tree)),
    "bytecode is empty": lambda tree: bytecode(tree).write_bytes(b""),
    "bytecode is flipped": lambda tree: flip(bytecode(tree)),
    "bytecode is gone": lambda tree: bytecode(tree).unlink(),
    "a module is cut": lambda tree: cut(tree / "numpy" / "__init__.py"),
    "a module is flipped": lambda tree: flip(tree / "numpy" / "__init__.py"),
    "a module is gone": lambda tree: (tree / "numpy" / "__init__.py").unlink(),
    "a module is a folder": lambda tree: (
        (tree / "numpy" / "__init__.py").unlink(),
        (tree / "numpy" / "__init__.py").mkdir(),
    ),
    "a module was added": lambda tree: (tree / "numpy" / "more.py").write_text(""),
    "its RECORD is cut": lambda tree: cut(next(tree.glob("*.dist-info/RECORD"))),
    "its RECORD is no text": lambda tree: next(tree.glob("*.dist-info/RECORD")).write_bytes(b"\xff\0,,"),
    "its RECORD is gone": lambda tree: next(tree.glob("*.dist-info/RECORD")).unlink(),
}
CORE = ("bytecode is cut", "bytecode is flipped", "a module is cut", "its RECORD is cut")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in CORE else [pytest.mark.full]) for name in DAMAGES]
)
def test_what_is_damaged_is_mended(runs: Runs, name: str) -> None:
    tree = numpy(runs)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    DAMAGES[name](tree)
    assert damage(tree) != []
    code, out = verify(runs, "--json")
    assert code == 0
    (mended,) = json.loads(out)["damaged"]
    assert (mended["name"], mended["unmended"]) == (tree.name, None)
    after = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert set(after) == set(before)
    assert all(after[path] == before[path] for path in before if not (is_bytecode(str(path)) or path.name == "RECORD"))
    assert damage(tree) == []
    assert verify(runs)[1].strip() == "3 unpacked wheels, 1 environments: all whole"
    # And what was found out with it does not count any more.
    assert run(runs)[0] == 1
    assert runs.results()["cases"][0]["cached"] is False
    assert messages(runs) == ["ValueError: ended"]


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_an_import_from_a_damaged_store_is_no_verdict(runs: Runs, isolation: str) -> None:
    cut(bytecode(numpy(runs)))
    code, said = run(runs, "--no-cache", "--isolation", isolation)
    assert code == 3
    assert "the store is damaged, which `tfjs-compat env verify` mends: numpy-1.26.4" in said
    assert [case["verdict"] for case in runs.results()["cases"]] == ["error"]
    code, _ = verify(runs)
    assert code == 0
    assert run(runs, "--no-cache", "--isolation", isolation)[0] == 1
    assert messages(runs) == ["ValueError: ended"]


def test_what_uv_keeps_is_not_trusted_to_mend(runs: Runs) -> None:
    for place in (numpy(runs), *(path.parent.parent for path in (runs.folder / "uv").rglob("numpy/__init__.py"))):
        cut(place / "numpy" / "__init__.py")
    code, out = verify(runs)
    assert code == 0
    assert out.startswith("mended numpy-1.26.4")
    assert (numpy(runs) / "numpy" / "__init__.py").read_text() == NUMPY + "x = 1\n" * 200


def test_an_import_that_fails_by_itself_is_a_verdict(runs: Runs) -> None:
    (runs.folder / "m.toml").write_text((runs.folder / "m.toml").read_text().replace("4.17.0", "4.18.0"))
    assert run(runs)[0] == 1
    (case,) = runs.results()["cases"]
    assert (case["verdict"], case["stage"]) == ("fails", "import")


def test_the_bytecode_of_earlier_versions_is_looked_at(runs: Runs) -> None:
    """As a store was before wheels were compiled when they were unpacked: cases wrote into it."""
    tree = numpy(runs)
    record = next(tree.glob("*.dist-info/RECORD"))
    record.write_text(
        "".join(
            line
            for line in record.read_text().splitlines(keepends=True)
            if "pycache" not in line and "sealed" not in line
        )
    )
    next(tree.glob("*.dist-info/tfjs-compat-sealed")).unlink()
    cut(bytecode(tree))
    code, said = run(runs, "--no-cache")
    assert code == 3
    assert "the store is damaged" in said
    assert verify(runs)[0] == 0
    assert is_sealed(tree)
    assert run(runs, "--no-cache")[0] == 1


def test_what_cannot_be_mended_is_said(runs: Runs, index: FaultyIndex) -> None:
    cut(numpy(runs) / "numpy" / "__init__.py")
    index.damages = [Fault("status", part, "numpy") for part in ("page", "wheel", "metadata")]  # type: ignore[arg-type]
    runs.environment["UV_HTTP_RETRIES"] = "0"
    code, out = verify(runs)
    assert code == 3
    assert "damaged numpy-1.26.4" in out
    assert "not mended: the package index" in out
    index.damages = []
    assert verify(runs)[0] == 0


def test_cases_write_nothing_into_the_store(runs: Runs) -> None:
    def held() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (runs.store / "wheels").rglob("*")}

    before = held()
    (runs.folder / "model.py").write_text(
        "import numpy, subprocess, sys\ndef build():\n    raise ValueError('ended')\n"
    )
    assert run(runs)[0] == 1
    assert held() == before
    assert not list(runs.folder.glob("__pycache__"))


def test_an_environment_whose_links_lead_nowhere_is_built_anew(runs: Runs) -> None:
    (root,) = (path.parent for path in (runs.store / "environments").glob("*/environment.json"))
    link = next(path for path in root.rglob("site-packages/*") if path.is_symlink())
    link.unlink()
    link.symlink_to("nowhere")
    code, out = verify(runs)
    assert code == 0
    assert root.name in out
    assert run(runs, "--no-cache")[0] == 1
    assert messages(runs) == ["ValueError: ended"]
