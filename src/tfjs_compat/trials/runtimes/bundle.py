"""TensorFlow.js as one file, ``dist/tf.min.js`` of the npm package: fetched once, checked every time, then offline.

The package as a whole would take 294 MB. Its tarball must have the sha512 that releases.toml pins; a release that is
not pinned must have the one that the registry states. The file's own sha256 is kept beside it and compared at each use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import tomli
from packaging.version import Version

from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment, tool_environment
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, read_regular, write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.system.text import redact
from tfjs_compat.trials.runtimes.node import Node

PACKAGE = "@tensorflow/tfjs"
_MEMBER = "package/dist/tf.min.js"
_LARGEST = 64 << 20
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?")
_MISSING = ("E404", "ETARGET", "ENOVERSIONS")
_INSIDE = Path(__file__).parents[2] / "inside"
_SECONDS = 900.0


class Bundle(msgspec.Struct, frozen=True):
    """A bundle in the store. ``integrity`` is its tarball's; ``pinned``: known before it was fetched."""

    version: str
    path: Path
    sha256: str
    integrity: str
    pinned: bool


class _Kept(msgspec.Struct):
    version: str
    sha256: str
    integrity: str


_KEPT, _VOCABULARIES = Reader[_Kept](_Kept), Reader[Vocabulary](Vocabulary)


@cache
def pinned_releases() -> dict[str, str]:
    """Pinned release → integrity of its tarball, oldest first."""
    data = tomli.loads((Path(__file__).parent / "releases.toml").read_text("utf-8"))
    pins: dict[str, str] = data["integrity"]
    return {version: pins[version] for version in sorted(pins, key=_order)}


@cache
def default_version() -> str:
    """The newest stable release that is pinned: the default of the axis ``tfjs_runtime``."""
    return [version for version in pinned_releases() if not Version(version).is_prerelease][-1]


def check_version(version: str) -> str:
    """The version itself; raises RequestError where it does not look like one of npm's."""
    if not _VERSION.fullmatch(version):
        known = ", ".join(pinned_releases())
        raise RequestError(
            f"tfjs_runtime = {version!r} is not a version such as {default_version()}\nhint: pinned are {known}"
        )
    return version


def get_bundle(version: str, context: Context, node: Node) -> Bundle:
    """The bundle of a release, from the store, else from the npm registry of the user's configuration.

    Raises RequestError for a release that does not exist, MachineryError where it cannot be fetched or is not what it
    should be, Interrupted.
    """
    if (kept := kept_bundle(version, context.store)) is not None:
        return kept
    folder = context.store.folder("tfjs", version)
    with context.store.locked("tfjs", version, stop=context.stop):
        return _kept_bundle(version, folder) or _fetch(version, folder, context, node)


def kept_bundle(version: str, store: Store) -> Bundle | None:
    """The bundle of a release, if the store has it. Raises RequestError for what is no version."""
    check_version(version)
    return _kept_bundle(version, store.folder("tfjs", version))


def require_releases(versions: Iterable[str], context: Context, node: Callable[[], Node]) -> None:
    """Make sure that releases exist, before anything rests on them.

    The registry is not read for those that are pinned or in the store. ``node`` gives the Node whose npm reads it for
    the others. Raises as ``get_bundle`` does.
    """
    for version in dict.fromkeys(versions):
        check_version(version)
        if version in pinned_releases() or kept_bundle(version, context.store) is not None:
            continue
        scratch_root = context.store.folder("scratch")
        with disk_errors(scratch_root), temporary_folder("npm-", scratch_root) as scratch:
            _Npm(node(), scratch, context.stop).integrity(version)


def install_packages(folder: Path, node: Node, context: Context) -> None:
    """Have npm install what the package.json of a folder pins, without running any script of a package.

    Raises MachineryError, Interrupted.
    """
    scratch_root = context.store.folder("scratch")
    with disk_errors(scratch_root), temporary_folder("npm-", scratch_root) as scratch:
        _Npm(node, scratch, context.stop).install(folder)


def read_vocabulary(bundle: Bundle, node: Node) -> Vocabulary:
    """What the bundle knows by name; worked out once and kept beside it. Raises MachineryError."""
    beside = bundle.path.with_name(f"vocabulary-{bundle.sha256[:16]}.json")
    try:
        return _VOCABULARIES.read(beside)
    except OSError:
        pass
    with temporary_folder("tfjs-compat-vocabulary-") as scratch:
        log = scratch / "log"
        ended = process.run(
            [str(node.path), str(_INSIDE / "tfjs_vocabulary.js"), str(bundle.path)],
            env=clean_environment(scratch / "home"),
            cwd=scratch,
            log=log,
            limits=process.Limits(seconds=120),
        )
        text = log.read_text("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.startswith('{"tfjs"')]
    if not ended.ok or not lines:
        raise MachineryError(
            f"TensorFlow.js {bundle.version} does not start: {ended.describe()}: {text[-500:].strip()}"
        )
    known = _VOCABULARIES.decode(lines[-1])
    if not known.classes or not known.ops:
        raise MachineryError(f"TensorFlow.js {bundle.version}: its bundle does not say which names it registers")
    write_whole(beside, msgspec.json.encode(known, order="sorted"))
    return known


def _order(version: str) -> Version:
    return Version(version)


def _kept_bundle(version: str, folder: Path) -> Bundle | None:
    """The bundle of the store, if it is whole and came from the tarball that is pinned."""
    path = folder / "tf.min.js"
    try:
        kept = _KEPT.read(folder / "bundle.json")
        digest = hashlib.sha256(read_regular(path)).hexdigest()
    except OSError:
        return None
    pin = pinned_releases().get(version)
    if kept.version != version or kept.sha256 != digest or pin not in (None, kept.integrity):
        return None
    return Bundle(version, path, digest, kept.integrity, pin is not None)


def _fetch(version: str, folder: Path, context: Context, node: Node) -> Bundle:
    pin = pinned_releases().get(version)
    scratch_root = context.store.folder("scratch")
    with disk_errors(scratch_root), temporary_folder("npm-", scratch_root) as scratch:
        npm = _Npm(node, scratch, context.stop)
        integrity = pin or npm.integrity(version)
        tarball = npm.pack(version)
        verify_integrity(tarball, integrity)
        script = extract_script(tarball)
    digest = hashlib.sha256(script).hexdigest()
    # The description last: without it the script counts as not there.
    write_whole(folder / "tf.min.js", script)
    write_whole(folder / "bundle.json", msgspec.json.encode(_Kept(version, digest, integrity)))
    return Bundle(version, folder / "tf.min.js", digest, integrity, pin is not None)


def verify_integrity(tarball: Path, integrity: str) -> None:
    """Raises MachineryError where the file's sha512 is not among the hashes of an npm integrity string."""
    digest = hashlib.sha512()
    with tarball.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    wanted = [part.partition("-")[2].partition("?")[0] for part in integrity.split() if part.startswith("sha512-")]
    try:
        matches = any(base64.b64decode(encoded, validate=True) == digest.digest() for encoded in wanted)
    except binascii.Error:
        matches = False
    if not matches:
        got = base64.b64encode(digest.digest()).decode()
        raise MachineryError(f"{tarball.name} is not the release that was published: sha512-{got}, not {integrity}")


def extract_script(tarball: Path) -> bytes:
    """The bundle out of the package's tarball; nothing is unpacked to disk. Raises MachineryError."""
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            for member in archive:
                if member.name != _MEMBER:
                    continue
                file = archive.extractfile(member) if member.isreg() and member.size <= _LARGEST else None
                if file is not None:
                    return file.read()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise MachineryError(f"{tarball.name} cannot be read: {error}") from error
    raise MachineryError(f"{tarball.name} holds no {_MEMBER}: this release of {PACKAGE} has no single-file bundle")


class _Npm:
    """npm as a child, in a folder of its own, with the user's and the machine's npm configuration."""

    def __init__(self, node: Node, scratch: Path, stop: threading.Event) -> None:
        if not node.npm:
            raise MachineryError(f"there is no npm beside {node.path}, to fetch TensorFlow.js with")
        self._argv, self._scratch, self._stop = node.npm, scratch, stop
        # Sets the machine's configuration in the environment of every call; that of a wheel's npm is its own folder.
        self._extra = {"npm_config_update_notifier": "false", **_machine_configuration(node, scratch)}

    def integrity(self, version: str) -> str:
        """What the registry says the sha512 of a release's tarball is."""
        said = self._json(version, "view", f"{PACKAGE}@{version}", "dist.integrity")
        if not isinstance(said, str) or "sha512-" not in said:
            raise MachineryError(f"the npm registry states no sha512 for {PACKAGE} {version}")
        return said

    def pack(self, version: str) -> Path:
        """Fetch a release's tarball."""
        place = self._scratch / "packed"
        place.mkdir()
        self._json(version, "pack", f"{PACKAGE}@{version}", "--pack-destination", str(place))
        tarballs = list(place.glob("*.tgz"))
        if len(tarballs) != 1:
            raise MachineryError(f"npm pack {PACKAGE}@{version} left {len(tarballs)} files")
        return tarballs[0]

    def install(self, folder: Path) -> None:
        """Install what a folder's package.json pins."""
        ended, text = self._call("install", "--no-audit", "--no-fund", "--prefix", str(folder), folder=folder)
        if not ended.ok:
            raise MachineryError(f"npm install {ended.describe()}: {redact(text.strip()[-500:])}")

    def _json(self, version: str, *arguments: str) -> Any:
        ended, text = self._call(*arguments)
        if ended.ok:
            return _first_json(text)
        error = _first_json(text)
        error = error.get("error", {}) if isinstance(error, dict) else {}
        if error.get("code") in _MISSING:
            self._refuse(version)
        said = f"{error.get('code', '')} {error.get('summary', '')}".strip() or text.strip()[-500:]
        raise MachineryError(f"npm could not fetch {PACKAGE} {version}: {ended.describe()}: {redact(said)}")

    def _refuse(self, version: str) -> None:
        """Raise RequestError where the registry knows the package and not the version."""
        ended, text = self._call("view", PACKAGE, "versions")
        known = _first_json(text) if ended.ok else None
        if isinstance(known, list) and version not in known:
            close = ", ".join(near_versions(version, [release for release in known if isinstance(release, str)]))
            raise RequestError(
                f"tfjs_runtime = {version!r}: there is no such release of {PACKAGE}\nhint: the nearest are {close}"
            )

    def _call(self, *arguments: str, folder: Path | None = None) -> tuple[process.ExitStatus, str]:
        log = self._scratch / "log"
        command = [*self._argv, *arguments, "--json", "--ignore-scripts", "--loglevel=silent"]
        environment = tool_environment(("npm_config_", "NPM_CONFIG_"), **self._extra)
        limits = process.Limits(seconds=_SECONDS)
        ended = process.run(
            command, env=environment, cwd=folder or self._scratch, log=log, limits=limits, stop=self._stop
        )
        return ended, log.read_text("utf-8", "replace")


def _machine_configuration(node: Node, scratch: Path) -> dict[str, str]:
    """The global npmrc of the machine's own npm, for the npm of a wheel, which would look for it in its own folder."""
    program = shutil.which("npm")
    if node.origin != "wheel" or program is None or "npm_config_globalconfig" in {name.lower() for name in os.environ}:
        return {}
    log = scratch / "log"
    ended = process.run(
        [program, "config", "get", "globalconfig", "--loglevel=silent"],
        env=tool_environment(("npm_config_", "NPM_CONFIG_")),
        cwd=scratch,
        log=log,
        limits=process.Limits(seconds=60),
    )
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    found = Path(lines[-1]) if ended.ok and lines else None
    return {"npm_config_globalconfig": str(found)} if found is not None and found.is_file() else {}


def _first_json(text: str) -> Any:
    """The first JSON value that begins a line; None where there is none. npm may warn before it."""
    decoder = json.JSONDecoder()
    for start in re.finditer(r'^[\[{"]', text, re.MULTILINE):
        try:
            return decoder.raw_decode(text, start.start())[0]
        except ValueError:
            continue
    return None


def near_versions(version: str, known: list[str]) -> list[str]:
    """The five released versions nearest to one that is not, oldest first.

    >>> near_versions("4.22.9", ["4.9.0", "4.20.0", "4.21.0", "4.22.0", "4.23.0-rc.0", "x"])
    ['4.9.0', '4.20.0', '4.21.0', '4.22.0', '4.23.0-rc.0']
    """
    released = sorted((release for release in known if _VERSION.fullmatch(release) and _readable(release)), key=_order)
    if not _readable(version):
        return released[-5:]
    below = [release for release in released if Version(release) < Version(version)]
    above = [release for release in released if Version(release) > Version(version)]
    return below[-max(3, 5 - len(above)) :] + above[:2]


def _readable(version: str) -> bool:
    return re.fullmatch(r"\d+\.\d+\.\d+(-(alpha|beta|rc)[\d.]*)?", version) is not None
