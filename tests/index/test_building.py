"""Source builds see no credentials and no home: a package whose build writes down all that it can see."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from support.environments import RUNNING
from support.samples import SmallIndex, combination

from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import Environment
from tfjs_compat.index.building import index_configuration, public_variables
from tfjs_compat.locks.lock import Lock
from tfjs_compat.locks.resolver import request_of, resolve
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

BACKEND = """
import json, os, zipfile

def look():
    seen = {"environment": dict(os.environ), "arguments": [], "files": [], "descriptors": []}
    pid = os.getppid()
    while pid > 1:
        try:
            seen["arguments"].append(open("/proc/%d/cmdline" % pid).read())
            pid = int(open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[1])
        except OSError:
            break
    for number in os.listdir("/proc/self/fd"):
        try:
            seen["descriptors"].append(os.readlink("/proc/self/fd/" + number))
        except OSError:
            pass
    home = os.environ.get("HOME", "")
    for folder, _, names in os.walk(os.path.dirname(home)):
        for name in names:
            try:
                seen["files"].append(open(os.path.join(folder, name), errors="replace").read())
            except OSError:
                pass
    with open(REPORT, "a") as file:
        file.write(json.dumps(seen) + "\\n")

def build_wheel(folder, settings=None, metadata=None):
    look()
    name = "built-1.0-py3-none-any.whl"
    info = "built-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("built.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        names = ["built.py", *(info + name for name in ("METADATA", "WHEEL", "RECORD"))]
        wheel.writestr(info + "RECORD", "".join(name + ",,\\n" for name in names))
    return name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def add_source(index: SmallIndex, report: Path) -> None:
    """A package that has to be built, by a backend of its own that needs no other package."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in {
            "PKG-INFO": "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n",
            "pyproject.toml": PROJECT,
            "backend.py": f"REPORT = {str(report)!r}\n{BACKEND}",
        }.items():
            member = tarfile.TarInfo(f"built-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    index.files.setdefault("built", {})["built-1.0.tar.gz"] = content.getvalue()
    index.metadata["built-1.0.tar.gz.metadata"] = b""


@pytest.fixture
def small(small_index: SmallIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SmallIndex:
    small_index.add("tensorflow", "2.16.1")
    small_index.add("tensorflowjs", "4.17.0")
    add_source(small_index, tmp_path / "seen")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", small_index.url.replace("://", "://me:hush-index@"))
    monkeypatch.setenv("UV_INDEX_MORE_PASSWORD", "hush-more")
    monkeypatch.setenv("MY_TOKEN", "hush-mine")
    return small_index


def test_a_build_sees_no_credentials_and_no_home(small: SmallIndex, tmp_path: Path) -> None:
    context = Context(Store(tmp_path / "store"))
    request = request_of(combination(python=RUNNING.version, extra=("built",)), [RUNNING], source_builds=True)
    lock = resolve(request, context)
    assert isinstance(lock, Lock)
    assert lock.packages["built"] == "1.0"
    assert isinstance(build(lock, RUNNING, context), Environment)
    seen = [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()]
    assert seen
    for look in seen:
        assert "hush" not in json.dumps(look)
        assert look["environment"]["HOME"] not in (os.environ.get("HOME"), str(Path.home()))
        assert not [name for name in look["environment"] if "INDEX" in name or "TOKEN" in name]


def test_what_uv_reads_of_the_indexes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine two.example login me password p/w\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("UV_INDEX", "one-a=https://one.example/simple https://two.example/simple?x=1")
    monkeypatch.setenv("UV_INDEX_ONE_A_USERNAME", "it")
    monkeypatch.setenv("UV_INDEX_ONE_A_PASSWORD", "p@w")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://us:er@three.example/simple")
    monkeypatch.setenv("UV_FIND_LINKS", "/a,https://links.example")
    assert index_configuration().splitlines() == [
        'find-links = ["/a", "https://links.example"]',
        "[[index]]",
        'url = "https://it:p%40w@one.example/simple"',
        'name = "one-a"',
        "[[index]]",
        'url = "https://me:p%2Fw@two.example/simple?x=1"',
        "[[index]]",
        'url = "https://us:er@three.example/simple"',
        "default = true",
    ]
    assert not {"UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_INDEX_ONE_A_PASSWORD"} & set(public_variables())
