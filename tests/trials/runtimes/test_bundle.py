import base64
import hashlib
import io
import os
import stat
import tarfile
import threading
from pathlib import Path

import pytest
from packaging.version import Version

from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes import bundle as bundles
from tfjs_compat.trials.runtimes.bundle import get_bundle, require_releases, verify_integrity
from tfjs_compat.trials.runtimes.node import Node, find_node

SCRIPT = b"var tf = {};"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for npm is a shell script")


def tarball(
    path: Path, name: str = "package/dist/tf.min.js", content: bytes = SCRIPT, kind: bytes | None = None
) -> str:
    """Write a package; returns its integrity."""
    with tarfile.open(path, "w:gz") as archive:
        for member, data in (("../../escaped", b"x"), ("package/README.md", b"hello"), (name, content)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            if kind is not None and member == name:
                info.type, info.linkname, info.size = kind, "/etc/passwd", 0
            archive.addfile(info, io.BytesIO(data))
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


class FakeNpm:
    """A registry of one release, and an npm that answers from it and counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tarball = folder / "package.tgz"
        self.integrity = tarball(self.tarball)
        self.node = Node(Path("/nowhere/node"), "22.0.0", "system", (str(folder / "npm"),))
        self.answer(view=f"echo '\"{self.integrity}\"'")

    def answer(self, view: str = "exit 1", pack: str = 'cp "$FROM" "$DEST/p.tgz"; echo "[{}]"') -> None:
        script = self.folder / "npm"
        script.write_text(
            f"#!/bin/sh\nFROM={self.tarball}\necho $1 >> {self.folder}/calls\n"
            'for DEST; do [ "$LAST" = --pack-destination ] && break; LAST=$DEST; done\n'
            f'case "$1 $3" in\n"view dist.integrity") {view};;\n'
            f'"view versions") echo \'["1.1.0", "1.2.0"]\';;\npack*) {pack};;\nesac\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().split() if (self.folder / "calls").exists() else []


@pytest.fixture
def npm(tmp_path: Path) -> FakeNpm:
    folder = tmp_path / "npm"
    folder.mkdir()
    return FakeNpm(folder)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_pins_are_hashes_and_the_default_is_the_newest_stable() -> None:
    pins = bundles.pinned_releases()
    assert {"4.10.0", "4.17.0", "4.22.0", "4.23.0-rc.0"} <= pins.keys()
    for integrity in pins.values():
        assert len(base64.b64decode(integrity.removeprefix("sha512-"), validate=True)) == 64
    assert bundles.default_version() == "4.22.0"
    assert list(pins) == sorted(pins, key=Version)


def test_fetched_once_then_offline(npm: FakeNpm, store: Store) -> None:
    first = get_bundle("1.2.0", Context(store), npm.node)
    assert first.path.read_bytes() == SCRIPT
    assert first.path == store.root / "tfjs" / "1.2.0" / "tf.min.js"
    assert (first.integrity, first.pinned) == (npm.integrity, False)
    assert npm.calls == ["view", "pack"]
    npm.answer(view="exit 1", pack="exit 1")
    assert get_bundle("1.2.0", Context(store), npm.node) == first
    assert npm.calls == ["view", "pack"]


def test_a_pinned_release_must_be_the_one_that_was_pinned(
    npm: FakeNpm, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "sha512-" + base64.b64encode(bytes(64)).decode()
    monkeypatch.setattr(bundles, "pinned_releases", lambda: {"1.2.0": other})
    with pytest.raises(MachineryError, match="not the release that was published"):
        get_bundle("1.2.0", Context(store), npm.node)
    assert not (store.root / "tfjs" / "1.2.0" / "tf.min.js").exists()
    monkeypatch.setattr(bundles, "pinned_releases", lambda: {"1.2.0": npm.integrity})
    assert get_bundle("1.2.0", Context(store), npm.node).pinned
    assert "view" not in npm.calls
    monkeypatch.setattr(bundles, "pinned_releases", lambda: {"1.2.0": other})
    with pytest.raises(MachineryError):
        get_bundle("1.2.0", Context(store), npm.node)


def test_what_has_to_exist_is_asked_for_without_fetching_it(npm: FakeNpm, store: Store) -> None:
    def no_node() -> Node:
        raise AssertionError("no registry is needed")

    require_releases(["4.22.0", "4.17.0"], Context(store), no_node)
    require_releases(["1.2.0", "1.2.0"], Context(store), lambda: npm.node)
    assert npm.calls == ["view"]
    get_bundle("1.2.0", Context(store), npm.node)
    require_releases(["1.2.0"], Context(store), no_node)


@pytest.mark.parametrize(
    ("view", "error", "said"),
    [
        (
            """echo '{"error": {"code": "E404", "summary": "No match"}}'; exit 1""",
            RequestError,
            "tfjs_runtime = '9.9.9': there is no such release of @tensorflow/tfjs\nhint: the nearest are 1.1.0, 1.2.0",
        ),
        ("""echo '{"error": {"code": "ENOTFOUND", "summary": "x"}}'; exit 1""", MachineryError, "ENOTFOUND"),
    ],
)
def test_an_unknown_release_is_a_wrong_request(
    npm: FakeNpm, store: Store, view: str, error: type[Exception], said: str
) -> None:
    npm.answer(view=view)
    with pytest.raises(error) as raised:
        require_releases(["4.22.0", "9.9.9"], Context(store), lambda: npm.node)
    assert said in str(raised.value)
    with pytest.raises(RequestError, match="is not a version"):
        require_releases(["nine"], Context(store), lambda: npm.node)


@pytest.mark.parametrize("damage", ["flip", "truncate", "no description", "junk description"])
def test_a_damaged_store_is_fetched_again(npm: FakeNpm, store: Store, damage: str) -> None:
    path = get_bundle("1.2.0", Context(store), npm.node).path
    if damage == "flip":
        path.write_bytes(b"X" + SCRIPT[1:])
    elif damage == "truncate":
        path.write_bytes(b"")
    elif damage == "no description":
        path.with_name("bundle.json").unlink()
    else:
        path.with_name("bundle.json").write_text("{")
    assert get_bundle("1.2.0", Context(store), npm.node).path.read_bytes() == SCRIPT
    assert npm.calls.count("pack") == 2


def test_runs_at_the_same_time_fetch_once(npm: FakeNpm, store: Store) -> None:
    threads = [threading.Thread(target=get_bundle, args=("1.2.0", Context(store), npm.node)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert npm.calls.count("pack") == 1


def test_a_release_that_does_not_exist_names_those_near_it(npm: FakeNpm, store: Store) -> None:
    npm.answer(view='echo \'{"error": {"code": "E404", "summary": "No match"}}\'; exit 1')
    with pytest.raises(RequestError, match=r"the nearest are 1\.1\.0, 1\.2\.0"):
        get_bundle("1.3.0", Context(store), npm.node)


def test_a_registry_that_refuses_a_release_it_lists_is_machinery(npm: FakeNpm, store: Store) -> None:
    npm.answer(view='echo \'{"error": {"code": "E404", "summary": "No match"}}\'; exit 1')
    with pytest.raises(MachineryError, match="E404 No match"):
        get_bundle("1.2.0", Context(store), npm.node)


def test_network_trouble_is_machinery_and_shows_no_password(npm: FakeNpm, store: Store) -> None:
    said = "request to http://me:secret@127.0.0.1:9/x failed, _authToken=abc"
    npm.answer(view=f'echo \'{{"error": {{"code": "ECONNREFUSED", "summary": "{said}"}}}}\'; exit 1')
    with pytest.raises(MachineryError, match="ECONNREFUSED") as caught:
        get_bundle("1.2.0", Context(store), npm.node)
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)
    assert list((store.root / "scratch").iterdir()) == []


@pytest.mark.parametrize("version", ["latest", "../x", "4.22", "^4.0.0", "4.22.0 --registry=x", "file:/tmp", ""])
def test_what_is_no_version_never_reaches_npm(npm: FakeNpm, store: Store, version: str) -> None:
    with pytest.raises(RequestError, match="not a version"):
        get_bundle(version, Context(store), npm.node)
    assert npm.calls == []


def test_an_interrupt_ends_a_fetch(npm: FakeNpm, store: Store) -> None:
    npm.answer(view="sleep 60")
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Interrupted):
        get_bundle("1.2.0", Context(store, stop), npm.node)


def test_no_npm_is_machinery(store: Store) -> None:
    with pytest.raises(MachineryError, match="no npm"):
        get_bundle("1.2.0", Context(store), Node(Path("/nowhere/node"), "22.0.0", "path"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("package/dist/other.js", None),
        ("package/dist/tf.min.js", tarfile.SYMTYPE),
        ("package/dist/tf.min.js", tarfile.LNKTYPE),
    ],
)
def test_a_package_without_the_file_is_refused(tmp_path: Path, name: str, kind: bytes | None) -> None:
    tarball(tmp_path / "p.tgz", name, kind=kind)
    with pytest.raises(MachineryError, match="holds no package/dist/tf"):
        bundles.extract_script(tmp_path / "p.tgz")
    assert not (tmp_path.parent / "escaped").exists()


def test_a_broken_package_is_refused(tmp_path: Path) -> None:
    tarball(tmp_path / "p.tgz", content=os.urandom(100_000))
    whole = (tmp_path / "p.tgz").read_bytes()
    for content in (b"", b"not a package", whole[: len(whole) // 2]):
        (tmp_path / "p.tgz").write_bytes(content)
        with pytest.raises(MachineryError):
            bundles.extract_script(tmp_path / "p.tgz")


def test_integrity_of_other_kinds_proves_nothing(tmp_path: Path) -> None:
    integrity = tarball(tmp_path / "p.tgz")
    verify_integrity(tmp_path / "p.tgz", "sha1-xxxx " + integrity)
    for wrong in ("", "sha1-xxxx", "sha512-", "sha512-###", integrity.replace("sha512", "sha256")):
        with pytest.raises(MachineryError):
            verify_integrity(tmp_path / "p.tgz", wrong)


def test_node_preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("bun", "bin/node", str(tmp_path / "node")):
        with pytest.raises(RequestError, match="node = "):
            find_node(wrong)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineryError, match="no Node"):
        find_node("system")
    program = tmp_path / "node"
    for said, error in (("v16.20.1", RequestError), ("hello", MachineryError), ("", MachineryError)):
        program.write_text(f"#!/bin/sh\necho {said}\n")
        program.chmod(0o755)
        with pytest.raises(error):
            find_node(str(program))
    program.write_text("#!/bin/sh\necho v18.0.0\n")
    assert find_node(str(program)) == Node(program, "18.0.0", "path")
    assert find_node("system").origin == "system"
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(MachineryError, match="exit code 3"):
        find_node(str(program))
