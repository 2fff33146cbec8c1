"""Files that a task needs and another machine lacks: packed under a digest of their content, unpacked there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.system.digests import digest_files
from tfjs_compat.system.files import disk_errors, read_regular, remove_tree
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder

RECEIVED = "received"
"""The folder of the store that holds what was unpacked, by digest."""

_MOST_BESIDE = 256 << 20
_MOST_FILES = 5_000
_LEFT_OUT = {"__pycache__", "node_modules", "site-packages"}


class Parcel(msgspec.Struct, frozen=True):
    """Files by their paths relative to a folder, and a SHA-256 over names and contents. ``root`` is that folder."""

    digest: str
    root: str
    names: tuple[str, ...]

    def content(self) -> dict[str, bytes]:
        """What is in its files. Raises MachineryError where one cannot be read."""
        with disk_errors(Path(self.root)):
            return {name: read_regular(Path(self.root, name)) for name in self.names}


def parcel_of_model(model: Model) -> Parcel | None:
    """What a machine needs to build or load a model; None for an example, which it has.

    A builder brings its folder along: Python and whatever data lies beside it, without hidden files and caches. Raises
    RequestError where that is more than a folder of a model holds.
    """
    if model.ref.startswith("zoo:"):
        return None
    path = Path(model.path)
    if model.kind is not Kind.BUILDER:
        root = path if path.is_dir() else path.parent
        files = sorted(_files(path, hidden=True)) if path.is_dir() else [path]
        return _parcel(root, files)
    root = Path(model.search[0])
    files, size = [], 0
    for file in _files(root, hidden=False):
        files.append(file)
        size += file.stat().st_size
        if len(files) > _MOST_FILES or size > _MOST_BESIDE:
            raise RequestError(
                f"model '{model.ref}': its folder {root} holds more than {_MOST_FILES} files or "
                f"{_MOST_BESIDE >> 20} MiB, and a builder brings its folder along to other machines\n"
                "hint: put the builder and its data into a folder of their own"
            )
    return _parcel(root, sorted(files))


def parcel_of_file(path: Path) -> Parcel:
    """One file. Raises RequestError where it cannot be read."""
    return _parcel(path.parent, [path])


def _parcel(root: Path, files: list[Path]) -> Parcel:
    names = tuple(file.relative_to(root).as_posix() for file in files)
    try:
        digest = digest_files(zip(names, files, strict=True))
    except OSError as error:
        raise RequestError(f"{error.filename or root}: cannot be read: {error.strerror or error}") from None
    return Parcel(digest, str(root), names)


def _files(root: Path, *, hidden: bool) -> Iterator[Path]:
    """The regular files below a folder; without ``hidden`` also no environments, caches and output folders."""
    for folder, folders, names in os.walk(root):
        if not hidden:
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".") and name not in _LEFT_OUT and not _is_ours(Path(folder, name))
            ]
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and (hidden or not name.startswith(".")):
                yield path


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a virtualenv, or holds a run."""
    return (folder / "pyvenv.cfg").exists() or (folder / "plan.json").exists()


def unpacked(digest: str, store: Store) -> Path | None:
    """Where the files of that digest lie in the store, marked as used now; or None."""
    path = store.root / RECEIVED / digest
    try:
        os.utime(path)
    except OSError:
        return None
    return path


def unpack(digest: str, content: dict[str, bytes], store: Store) -> Path:
    """Write files into the store, whole or not at all; gives their folder.

    Raises MachineryError on a full disk, and where the content is not what the digest says, or leads elsewhere.
    """
    if (there := unpacked(digest, store)) is not None:
        return there
    home = store.folder(RECEIVED) / digest
    with temporary_folder("receiving-", store.folder("scratch")) as folder:
        for name, data in content.items():
            relative = PurePosixPath(name)
            if relative.is_absolute() or ".." in relative.parts or not relative.parts:
                raise MachineryError(f"received files: '{name}' leads out of their folder")
            path = folder / "content" / relative
            with disk_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        # In the order in which they were packed.
        if digest_files((name, folder / "content" / name) for name in content) != digest:
            raise MachineryError(f"received files: {len(content)} files, but not those of the digest {digest[:12]}")
        with disk_errors(home):
            try:
                (folder / "content").rename(home)
            except OSError:
                # Another task unpacked the same meanwhile.
                if not home.is_dir():
                    raise
                remove_tree(folder / "content")
    return home
