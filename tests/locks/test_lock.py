"""What a lock says, and that its text says all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import DATA

from tfjs_compat.errors import RequestError
from tfjs_compat.index.interpreters import Interpreter, PythonBuild
from tfjs_compat.locks.lock import make_lock, read_any_lock, read_lock

PYTHON = Interpreter("3.11.7", "linux-x86_64", "/pythons/3.11.7/bin/python")
PINS = (DATA / "lock.txt").read_text("utf-8")


def test_a_lock_has_packages_and_an_installable_text() -> None:
    lock = make_lock(PINS, PYTHON, source_builds=False)
    assert lock.packages == {
        "keras": "2.15.0",
        "setuptools": "69.2.0",
        "tensorflow": "2.15.0",
        "tensorflowjs": "4.17.0",
        "tf-keras": "2.15.1",
    }
    head, policy, *body = lock.text.splitlines()
    assert head == f"# lock {lock.id} for cpython-3.11.7-linux-x86_64; wheels only"
    assert policy == "--only-binary :all:"
    assert "\n".join(body) == PINS.strip()
    assert lock.resolved() == {
        "python": "3.11.7",
        "tensorflow": "2.15.0",
        "tensorflowjs": "4.17.0",
        "keras": "2.15.0",
        "tf-keras": "2.15.1",
        "setuptools": "69.2.0",
    }


def test_a_marker_is_no_part_of_a_version() -> None:
    pins = (
        "jax==0.4.30 ; python_full_version < '3.12' \\\n    --hash=sha256:aa\nzope.event==5.0\\\n    --hash=sha256:bb\n"
    )
    assert make_lock(pins, PYTHON, source_builds=True).packages == {"jax": "0.4.30", "zope-event": "5.0"}


def test_the_id_is_that_of_the_content() -> None:
    lock = make_lock(PINS, PYTHON, source_builds=False)
    again = make_lock("\n" + PINS + "\n\n", PYTHON, source_builds=False)
    assert lock == again
    other_python = Interpreter("3.11.2", PYTHON.platform, PYTHON.executable)
    elsewhere = Interpreter(PYTHON.version, PYTHON.platform, "/usr/bin/python3")
    assert make_lock(PINS, elsewhere, source_builds=False).id == lock.id
    different = {
        make_lock(PINS, other_python, source_builds=False).id,
        make_lock(PINS, PYTHON, source_builds=True).id,
        make_lock(PINS.replace("69.2.0", "69.3.0"), PYTHON, source_builds=False).id,
        make_lock(PINS.replace("sha256:2dcc6", "sha256:2dcc7"), PYTHON, source_builds=False).id,
    }
    assert len(different | {lock.id}) == 5
    assert "--only-binary" not in make_lock(PINS, PYTHON, source_builds=True).text


def test_ids_of_before_hold() -> None:
    # Environments and outcomes are kept under them.
    assert make_lock(PINS, PYTHON, source_builds=False).id == "af3bf39473b19389"
    assert make_lock(PINS, PYTHON, source_builds=True, stand_ins=("a-b", "c")).id == "95a68173592f8f66"


@given(
    python=st.sampled_from([PythonBuild("3.11.7", "linux-x86_64"), PythonBuild("3.8.18", "darwin-arm64")]),
    source_builds=st.booleans(),
    stand_ins=st.lists(st.sampled_from(["a-b", "c", "tensorflow-decision-forests"]), unique=True).map(tuple),
    pins=st.sampled_from([PINS, "a==1 --hash=sha256:0\n", "a==1 ; python_version < '4' \\\n    --hash=sha256:0\n"]),
)
def test_a_lock_is_read_back_from_its_text(
    python: PythonBuild, source_builds: bool, stand_ins: tuple[str, ...], pins: str
) -> None:
    lock = make_lock(pins, python, source_builds=source_builds, stand_ins=stand_ins)
    assert read_lock(lock.text) == lock


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("69.2.0", "69.3.0"),
        ("--only-binary :all:\n", ""),
        ("wheels only", "source builds allowed"),
        ("3.11.7", "3.11.8"),
    ],
)
def test_a_lock_that_was_changed_is_refused(old: str, new: str) -> None:
    text = make_lock(PINS, PYTHON, source_builds=False).text
    assert old in text
    with pytest.raises(RequestError, match="was changed since it was written"):
        read_lock(text.replace(old, new))


@pytest.mark.parametrize(
    "text",
    ["", PINS, "# lock 0123456789abcdef for python; wheels only\n", "# lock x for cpython-3.11.7-l; wheels only\n"],
)
def test_what_is_no_lock_of_ours_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"not a lock of tfjs-compat|was changed"):
        read_lock(text)


def test_of_a_lock_for_several_environments_the_part_for_the_python_counts(tmp_path: Path) -> None:
    digest = "0" * 64
    markers = {
        "numpy==1.26.4": "python_version >= '3.11'",
        "numpy==1.24.4": "python_version < '3.11'",
        "tensorflow-intel==2.15.0": "sys_platform == 'win32'",
        "tensorflow==2.15.0": "sys_platform == 'linux' and platform_machine == 'x86_64'",
        "keras==2.15.0": "extra == 'train'",
        "h5py==3.11.0": "",
    }
    lines = [f"{pin}{f' ; {marker}' if marker else ''} --hash=sha256:{digest}" for pin, marker in markers.items()]
    (tmp_path / "lock.txt").write_text("\n".join(lines))
    build = PythonBuild("3.11.7", "linux-x86_64")
    found = read_any_lock(tmp_path / "lock.txt", build).packages
    assert found == {"numpy": "1.26.4", "tensorflow": "2.15.0", "h5py": "3.11.0"}
    older = read_any_lock(tmp_path / "lock.txt", PythonBuild("3.10.2", "win32-AMD64")).packages
    assert older == {"numpy": "1.24.4", "tensorflow-intel": "2.15.0", "h5py": "3.11.0"}


@pytest.mark.parametrize("digest", ["sha256:zz", "sha256:00", "sha256:", "x"])
def test_a_hash_that_is_none_is_named(tmp_path: Path, digest: str) -> None:
    (tmp_path / "lock.txt").write_text(f"numpy==1.26.4 --hash={digest}\n")
    with pytest.raises(RequestError, match=f"numpy: '{digest}' is no hash such as 'sha256:"):
        read_any_lock(tmp_path / "lock.txt", PythonBuild("3.11.7", "linux-x86_64"))


def test_a_pylock_that_is_nested_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "x"\nx = ' + "[" * 100_000)
    with pytest.raises(RequestError, match=r"not a pylock\.toml"):
        read_any_lock(tmp_path / "pylock.toml", PythonBuild("3.11.7", "linux-x86_64"))
