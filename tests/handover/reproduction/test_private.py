"""What of a machine must not leave it: found in every file, however it is packed, and cleaned out of texts."""

from __future__ import annotations

import base64
import gzip
import io
import marshal
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tfjs_compat.handover.reproduction import private
from tfjs_compat.handover.reproduction.private import Leak, cleaned, leaks, of_this_machine

ENVIRON = {
    "HOME": "/home/annabel",
    "USER": "annabel",
    "CI_JOB_TOKEN": "glcbt-64_x9q8w7",
    "UV_INDEX_URL": "https://packages.corp.example/simple",
}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("socket.gethostname", lambda: "workstation-17.corp.example")


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def array(text: str) -> bytes:
    target = io.BytesIO()
    np.savez_compressed(target, words=np.array([text]), numbers=np.zeros(3))
    return target.getvalue()


CODE = base64.b64encode(marshal.dumps(compile("lambda x: x * 2", "/home/annabel/models/train.py", "eval")))


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("model.json", b'{"path": "/home/annabel/models/m.h5"}', "a path of this machine"),
        ("model.h5", b"\x89HDF\r\n\x1a\n\0\0home/annabel/models\0\0", "a path of this machine"),
        ("windows.txt", rb"see \home\annabel\x", "a path of this machine"),
        ("log.txt", b"written by Annabel on Monday", "the user's name"),
        ("log.txt", b"at workstation-17", "the host's name"),
        ("pip.txt", b"Looking in indexes: https://packages.corp.example/simple", "the address of a package index"),
        (".env", b"TOKEN=glcbt-64_x9q8w7", "the value of CI_JOB_TOKEN"),
        ("reproduction.json", b'"signature": "no key glcbt-<n>_x9q8w7"', "the value of CI_JOB_TOKEN"),
        ("model.keras", zipped("config.json", b'"/home/annabel/x"'), "a path of this machine"),
        ("inner.zip", zipped("model.keras", zipped("metadata.json", b"annabel")), "the user's name"),
        ("annabel.zip", zipped("x", b""), "the user's name"),
        ("named.zip", zipped("annabel/x", b""), "the user's name"),
        ("log.gz", gzip.compress(b"from annabel"), "the user's name"),
        ("config.json", b'{"function": ["' + CODE + b'"]}', "a path of this machine, in base64"),
    ],
)
def test_it_is_found(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(content)
    found = list(leaks(tmp_path, of_this_machine()))
    assert what in [leak.what for leak in found], found


def test_it_is_found_in_text_arrays_of_an_npz(tmp_path: Path) -> None:
    (tmp_path / "inputs.npz").write_bytes(array("annabel"))
    # numpy keeps texts in UTF-32.
    assert Leak("inputs.npz!words.npy", "the user's name") in list(leaks(tmp_path, of_this_machine()))


@pytest.mark.parametrize(
    "content",
    [b"the root of annabelle", b"/homework/annabela", b"keras/model.py", b"workstation-170", bytes(range(256))],
)
def test_what_only_looks_like_it_is_not(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert list(leaks(tmp_path, of_this_machine())) == []


def test_a_common_name_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOME": "/root", "USER": "root", "LOGNAME": "root"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    (tmp_path / "core.js").write_text("(function (root, factory) {", "utf-8")
    assert list(leaks(tmp_path, of_this_machine())) == []
    (tmp_path / "core.js").write_text("// /root/models", "utf-8")
    assert [leak.what for leak in leaks(tmp_path, of_this_machine())] == ["a path of this machine"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('File "/home/annabel/env/lib/python3.11/site-packages/keras/x.py"', 'File "…/site-packages/keras/x.py"'),
        ("cannot open /srv/data/m.h5", "cannot open …/m.h5"),
        (r"cannot open C:\Users\annabel\m.h5", "cannot open …/m.h5"),
        ("https://github.com/tensorflow/tfjs/issues/8233", "https://github.com/tensorflow/tfjs/issues/8233"),
        ("annabel at workstation-17", "*** at ***"),
        ("GET https://me:pw@packages.corp.example/simple", "GET https://***@***/simple"),
        ("shape [None, 3/4] and sequential/dense/kernel", "shape [None, 3/4] and sequential/dense/kernel"),
    ],
)
def test_texts_are_cleaned(text: str, shown: str) -> None:
    assert cleaned(text, of_this_machine()) == shown


def test_what_is_cleaned_leaks_nothing(tmp_path: Path) -> None:
    text = f"annabel workstation-17 /home/annabel/x {ENVIRON['CI_JOB_TOKEN']} {ENVIRON['UV_INDEX_URL']} {Path.cwd()}/y"
    found = of_this_machine()
    (tmp_path / "README.md").write_text(private.cleaned(text, found), "utf-8")
    assert list(leaks(tmp_path, found)) == []
