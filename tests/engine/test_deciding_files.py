"""Which files of the package change the cache key: exactly those whose content can change an outcome."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli
from support.samples import ROOT

from tfjs_compat.engine import deciding_files
from tfjs_compat.engine.deciding_files import PACKAGE, code_digest
from tfjs_compat.system.store import Store

FILES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
)
LADDER = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]["layers"]
ROOMS = [name.strip().partition(".")[2] for layer in LADDER for name in layer.split("|")]
AFTER_TRIALS = ROOMS[: ROOMS.index("trials")]
CALLERS = [
    path
    for path in FILES
    if path.startswith("engine/") and "from tfjs_compat.trials.trial import" in (PACKAGE / path).read_text("utf-8")
]
LOADED = """
import importlib, json, sys
for name in json.load(sys.stdin):
    importlib.import_module(name)
print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "tfjs_compat"]))
"""


def module_of(path: str) -> str:
    return "tfjs_compat." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.fixture(scope="module")
def deciding() -> set[str]:
    """The files that decide, found in another way: what Python loads for the trials, and the data beside that."""
    names = [module_of(path) for path in FILES if path.startswith("trials/") and path.endswith(".py")]
    for path in [*CALLERS, "engine/cache.py"]:
        imported = re.findall(r"^from (tfjs_compat\.(\w+)\S*) import", (PACKAGE / path).read_text("utf-8"), re.M)
        names += [name for name, room in imported if room not in AFTER_TRIALS]
    # `from room import module`, too.
    names += [module_of("environments/environment.py"), module_of("environments/build.py")]
    env = {"PYTHONPATH": str(PACKAGE.parent)}
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], input=json.dumps(names), env=env, capture_output=True, text=True, check=True
    )
    loaded = {Path(file).relative_to(PACKAGE).as_posix() for file in json.loads(ran.stdout) if file}
    loaded |= {*CALLERS, "engine/cache.py", "engine/__init__.py"}
    folders = {path.rpartition("/")[0] for path in loaded} - {"", "engine"}
    data = {path for path in FILES if not path.endswith(".py") and path.rpartition("/")[0] in folders}
    return loaded | data | {path for path in FILES if path.startswith("inside/")}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "tfjs_compat"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("path", FILES)
def test_a_file_changes_the_digest_exactly_if_it_decides(
    path: str, deciding: set[str], copied: Path, store: Store
) -> None:
    file, before = copied / path, code_digest(store, copied)
    content = file.read_bytes()
    file.write_bytes(content + b"\n")
    changed = code_digest(store, copied)
    file.write_bytes(content)
    assert code_digest(store, copied) == before
    assert (changed != before) == (path in deciding)


@pytest.mark.parametrize(
    "path",
    [
        "trials/comparison.py",
        "trials/runtimes/releases.toml",
        "checks/catalogue.py",
        "repairs/names.toml",
        "repairs/folder.py",
        "artifact/manifest.py",
        "artifact/vocabulary.py",
        "outcomes/parity.py",
        "system/child_environment.py",
        "matrix/routes.py",
        "environments/linking.py",
        "inside/worker.py",
        "inside/tfjs/run.mjs",
        "inside/zoo/dense.py",
        *CALLERS,
    ],
)
def test_what_makes_and_judges_an_outcome_decides(path: str) -> None:
    assert path in deciding_files.deciding_files()


def test_something_of_the_engine_calls_the_trials() -> None:
    assert CALLERS


def test_what_comes_after_the_trials_follows_the_ladder() -> None:
    assert {*AFTER_TRIALS, "__main__"} == deciding_files._AFTER_TRIALS


@pytest.mark.parametrize("room", AFTER_TRIALS)
def test_rooms_that_only_work_on_outcomes_do_not_decide(room: str) -> None:
    allowed = {*CALLERS, "engine/cache.py", "engine/__init__.py"}
    assert not {path for path in deciding_files.deciding_files() if path.split("/")[0].removesuffix(".py") == room} - (
        allowed
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package of a few modules."""
    files = {
        "__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tfjs_compat.api import run\n",
        "api.py": "",
        "trials/__init__.py": "",
        "trials/trial.py": "from tfjs_compat import errors\n",
        "errors.py": "",
        "checks/__init__.py": "",
        "checks/new.py": "from . import deeper\n",
        "checks/deeper.py": "",
        "checks/other.py": "",
        "checks/tables/a.toml": "",
        "report/__init__.py": "",
        "inside/worker.py": "",
    }
    for name, content in files.items():
        (tmp_path / "tfjs_compat" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tfjs_compat" / name).write_text(content, "utf-8")
    return tmp_path / "tfjs_compat"


BEFORE = ["__init__.py", "errors.py", "inside/worker.py", "trials/__init__.py", "trials/trial.py"]


def test_what_nothing_imports_does_not_decide(small: Path) -> None:
    assert deciding_files.deciding_files(small) == BEFORE


@pytest.mark.parametrize(
    "statement",
    [
        "import tfjs_compat.checks.new",
        "from tfjs_compat.checks import new",
        "from tfjs_compat.checks.new import x",
        "from ..checks import new",
        "def f():\n    from ..checks.new import x",
        "if True:\n    import tfjs_compat.checks.new as y",
    ],
)
def test_a_module_decides_from_its_first_import_on(small: Path, statement: str) -> None:
    (small / "trials" / "trial.py").write_text(f"from tfjs_compat import errors\n{statement}\n", "utf-8")
    added = ["checks/__init__.py", "checks/deeper.py", "checks/new.py", "checks/tables/a.toml"]
    assert deciding_files.deciding_files(small) == sorted([*BEFORE, *added])


def test_an_import_for_types_alone_does_not_count(small: Path) -> None:
    statement = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tfjs_compat.checks.new\n"
    (small / "trials" / "new.py").write_text(statement, "utf-8")
    assert deciding_files.deciding_files(small) == sorted([*BEFORE, "trials/new.py"])


def test_a_later_room_is_not_followed(small: Path) -> None:
    (small / "report" / "__init__.py").write_text("import tfjs_compat.checks.new", "utf-8")
    (small / "trials" / "trial.py").write_text("import tfjs_compat.errors, tfjs_compat.report", "utf-8")
    assert deciding_files.deciding_files(small) == BEFORE


def test_the_kept_digest_serves_until_a_file_is_written(small: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    before = code_digest(store, small)
    (kept,) = (store.root / "code").iterdir()
    kept.write_text(kept.read_text("utf-8").replace(before, "kept"), "utf-8")
    assert code_digest(store, small) == "kept"
    # As long as before, and with the same time of writing, as a copy may have it.
    file = small / "errors.py"
    times = file.stat()
    file.write_text("", "utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert code_digest(store, small) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"state": 1}'])
def test_a_damaged_digest_is_worked_out_again(small: Path, tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path / "store")
    before = code_digest(store, small)
    (kept,) = (store.root / "code").iterdir()
    kept.write_bytes(content)
    assert code_digest(store, small) == before


def test_a_store_that_cannot_be_written_to_costs_only_time(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert code_digest(Store(tmp_path / "file" / "store"), small) == code_digest(Store(tmp_path / "store"), small)
