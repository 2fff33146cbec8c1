"""An answer is kept for as long as what its builder opened is the same, and not at all where that is not known."""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from support.trials import UNCONFINED, Trials

from tfjs_compat.engine import cache
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers fork where that was measured to be sound")

BUILDERS = """
import os, subprocess, sys
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))

def beside(name):
    return os.path.join(HERE, name)

def opens_nothing():
    return tf.keras.Model()

def reads_data():
    open(beside("data/weights.csv")).read()
    return tf.keras.Model()

def reads_elsewhere():
    open(os.path.join(os.environ["SEEN"], "elsewhere.txt")).read()
    return tf.keras.Model()

def reads_a_database():
    import sqlite3
    sqlite3.connect(os.path.join(os.environ["SEEN"], "words.db")).close()
    return tf.keras.Model()

def reads_a_database_by_its_address():
    import sqlite3
    sqlite3.connect("file:" + os.path.join(os.environ["SEEN"], "words.db") + "?mode=ro", uri=True).close()
    return tf.keras.Model()

def loads_a_library():
    import ctypes
    try: ctypes.CDLL(os.path.join(os.environ["SEEN"], "ops.so"))
    except OSError: pass
    return tf.keras.Model()

def reads_by_a_way_of_the_system():
    open("/proc/self/root" + os.path.join(os.environ["SEEN"], "elsewhere.txt")).read()
    return tf.keras.Model()

def reads_by_a_relative_name():
    os.chdir(HERE)
    open("data/weights.csv").read()
    return tf.keras.Model()

def reads_below_python():
    import ctypes
    libc = ctypes.CDLL(None)
    libc.fclose.argtypes = [ctypes.c_void_p]
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose(libc.fopen(beside("data/weights.h5").encode(), b"r"))
    return tf.keras.Model()

def imports_of_a_package():
    from parts.deep import layer
    return tf.keras.Model()

def imports_what_was_compiled():
    # As of the second time: from its bytecode.
    from parts.deep import layer
    return tf.keras.Model()

def lists_a_folder():
    os.listdir(beside("data"))
    return tf.keras.Model()

def looks_for_what_is_not_there():
    try: open(beside("data/override.json"))
    except OSError: pass
    return tf.keras.Model()

def looks_for_a_module_elsewhere():
    sys.path.insert(0, os.environ["SEEN"])
    try: import latecomer
    except ImportError: pass
    return tf.keras.Model()

def imports_of_the_second_place():
    sys.path[:0] = [os.path.join(os.environ["SEEN"], "first"), os.path.join(os.environ["SEEN"], "second")]
    import shadowed
    return tf.keras.Model()

def reads_above_a_link():
    open(os.path.join(os.environ["SEEN"], "link", "..", "beside.txt")).read()
    return tf.keras.Model()

def fails_by_its_data():
    raise ValueError(open(beside("data/weights.csv")).read())

def starts_a_program():
    subprocess.run(["true"])
    return tf.keras.Model()

def forks():
    if os.fork() == 0: os._exit(0)
    os.wait()
    return tf.keras.Model()

def looks_up_a_host():
    import socket
    try: socket.getaddrinfo("localhost", 80)
    except OSError: pass
    return tf.keras.Model()

def opens_below_a_descriptor():
    place = os.open(os.environ["SEEN"], os.O_RDONLY)
    os.close(os.open("elsewhere.txt", os.O_RDONLY, dir_fd=place))
    return tf.keras.Model()

def removes_folders():
    import tempfile
    with tempfile.TemporaryDirectory() as place:
        os.makedirs(os.path.join(place, "a", "b"))
    return tf.keras.Model()

def exits():
    os._exit(5)
"""


class Kept:
    """Runs builders, keeps their outcomes, and says whether they would be taken again."""

    def __init__(self, root: Path) -> None:
        self.trials = Trials(root, BUILDERS)
        self.root, self.store = root, Store(root / "store")
        for name, content in {
            "data/weights.csv": "1",
            "data/weights.h5": "1",
            "seen/elsewhere.txt": "1",
            "seen/words.db": "",
            "seen/ops.so": "",
            "seen/first/other.py": "",
            "seen/second/shadowed.py": "",
            "seen/far/folder/file": "",
            "seen/far/beside.txt": "1",
            "parts/__init__.py": "",
            "parts/deep/__init__.py": "",
            "parts/deep/layer.py": "SIZE = 1",
        }.items():
            self.write(name, content)
        (root / "seen" / "link").symlink_to("far/folder")

    def path(self, name: str) -> Path:
        """A file beside the builder, or of the folder that it knows from its environment."""
        return self.root / name if name.startswith("seen/") else self.root / "model" / name

    def write(self, name: str, content: str) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        # Before any case.
        os.utime(path, (1_000_000_000, 1_000_000_000))

    def run(self, builder: str) -> bool:
        """Run a builder; whether its outcome was kept."""
        self.outcome: Outcome = self.trials(builder)
        return cache.keep("k", self.outcome, self.trials.case_folder, self.store)

    @property
    def counts(self) -> bool:
        """Whether what was kept would be taken now."""
        return self.counts_at(self.root / "model")

    def counts_at(self, place: Path) -> bool:
        """Whether it would be taken for the same builder in another folder."""
        return cache.kept_outcome("k", self.store, place=str(place)) is not None


@pytest.fixture(params=["fork", "process"])
def kept(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    isolation: Literal["fork", "process"] = request.param
    kept.trials.isolation = isolation
    yield kept
    if kept.trials.session is not None:
        kept.trials.session.close()


def change(name: str) -> Callable[[Kept], None]:
    return lambda kept: kept.write(name, "2")


def remove(name: str) -> Callable[[Kept], None]:
    return lambda kept: kept.path(name).unlink()


@pytest.mark.parametrize(
    ("builder", "changes"),
    [
        ("reads_data", change("data/weights.csv")),
        ("reads_data", remove("data/weights.csv")),
        ("reads_elsewhere", change("seen/elsewhere.txt")),
        ("reads_a_database", change("seen/words.db")),
        ("reads_a_database_by_its_address", change("seen/words.db")),
        ("loads_a_library", change("seen/ops.so")),
        ("reads_by_a_way_of_the_system", change("seen/elsewhere.txt")),
        ("reads_by_a_relative_name", change("data/weights.csv")),
        ("reads_below_python", change("data/weights.h5")),
        ("imports_of_a_package", change("parts/deep/layer.py")),
        ("imports_of_a_package", change("parts/deep/__init__.py")),
        ("lists_a_folder", change("data/another.csv")),
        ("looks_for_what_is_not_there", change("data/override.json")),
        ("looks_for_a_module_elsewhere", change("seen/latecomer.py")),
        ("imports_of_the_second_place", change("seen/first/shadowed.py")),
        ("reads_above_a_link", change("seen/far/beside.txt")),
        ("fails_by_its_data", change("data/weights.csv")),
    ],
)
def test_an_answer_counts_until_what_was_opened_changes(
    kept: Kept, builder: str, changes: Callable[[Kept], None]
) -> None:
    assert kept.run(builder), kept.outcome
    assert kept.counts
    kept.write("data2/unrelated", "x")
    assert kept.counts
    changes(kept)
    assert not kept.counts


def test_bytecode_stands_for_its_source(kept: Kept) -> None:
    py_compile.compile(str(kept.root / "model" / "parts" / "deep" / "layer.py"))
    assert list((kept.root / "model" / "parts" / "deep").glob("__pycache__/layer*.pyc"))
    assert kept.run("imports_what_was_compiled"), kept.outcome
    assert os.path.join(".", "parts", "deep", "layer.py") in dict(kept.outcome.opened)  # noqa: PTH118
    kept.write("parts/deep/layer.py", "SIZE = 2")
    assert not kept.counts


@pytest.mark.parametrize(
    ("builder", "why"),
    [
        ("starts_a_program", "it starts other processes"),
        ("forks", "it starts other processes"),
        ("looks_up_a_host", "it uses the network"),
        ("opens_below_a_descriptor", "it opens files by the descriptor of a folder"),
        ("exits", "it did not say what it opened"),
    ],
)
def test_what_is_not_known_is_not_kept(kept: Kept, builder: str, why: str) -> None:
    # Where there is no network it cannot decide anything.
    kept.trials.permissions = UNCONFINED
    assert not kept.run(builder)
    assert kept.outcome.unrepeatable == why


def test_folders_that_are_removed_are_no_secret(kept: Kept) -> None:
    assert kept.run("removes_folders"), kept.outcome


def test_a_file_that_is_written_meanwhile_is_not_believed(kept: Kept) -> None:
    path = kept.root / "model" / "data" / "weights.csv"
    path.write_text("now")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert not kept.run("reads_data")
    assert kept.outcome.unrepeatable == f"{path} was written while it ran"


def test_what_a_builder_does_not_open_does_not_count(kept: Kept) -> None:
    assert kept.run("opens_nothing")
    names = [Path(path).name for path, _ in kept.outcome.opened]
    packages = {"keras.py", "numpy.py", "tensorflow.py", "tensorflowjs.py"}
    assert set(names) <= {"model.py", "on_import.py", "imports", *packages}
    kept.write("data/weights.csv", "2")
    assert kept.counts


def test_an_answer_for_a_copy_rests_on_the_files_of_the_copy(kept: Kept) -> None:
    assert kept.run("reads_data")
    copy = kept.root / "copy"
    shutil.copytree(kept.root / "model", copy)
    # The packages of these tests are not the store's.
    own = replace(kept.outcome, opened=tuple(each for each in kept.outcome.opened if each[0].startswith(".")))
    assert cache.keep("k", own, kept.trials.case_folder, kept.store)
    assert kept.counts_at(copy)
    (copy / "data" / "weights.csv").write_text("of another project")
    assert not kept.counts_at(copy)
    assert kept.counts


def test_what_was_opened_elsewhere_may_be_others_for_a_copy(kept: Kept) -> None:
    assert kept.run("reads_elsewhere")
    shutil.copytree(kept.root / "model", kept.root / "copy")
    assert kept.counts
    assert not kept.counts_at(kept.root / "copy")


def test_what_an_import_opens_counts(kept: Kept) -> None:
    kept.trials.on_import(f"open({str(kept.root / 'model' / 'data' / 'weights.csv')!r}).read()")
    assert kept.run("opens_nothing"), kept.outcome
    assert kept.counts
    kept.write("data/weights.csv", "2")
    assert not kept.counts
