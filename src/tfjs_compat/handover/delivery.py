"""Hand over a finished TensorFlow.js model: a folder that holds the old model or the new one, whole.

A delivery works in a folder of its own beside the target, ``.NAME.0123abcd.tfjs-compat``, or inside a target that
cannot be exchanged. That folder holds an empty file MARKER, locked as long as the delivery lives, the new model, and
where one step is not enough what is needed to finish. So the next command finds what a killed one has left.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import filelock
import msgspec

from tfjs_compat.artifact.reading import read
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.exchange import exchange_folders
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, read_regular, require_usable, write_whole
from tfjs_compat.system.holes import copy_file
from tfjs_compat.system.store import Store


class _Beside(msgspec.Struct):
    """What of an account says which files are its delivery's."""

    beside: dict[str, str] = {}


_NAMES = Reader[list[str]](list[str])
_ACCOUNTS = Reader[_Beside](_Beside)

ACCOUNT = "CONVERSION.json"
MARKER = "tfjs-compat-delivery"

_NEW, _OLD = "new", "old"
_FILLING = "filling.json"
"""Names of files of the old model that go; there once the filling of a target has begun."""

_OF_NPM = frozenset({"node_modules", "package.json", "package-lock.json"})
"""What `npm install` leaves beside a model."""

_SHARD = re.compile(r"group\d+-shard\d+of\d+(\.bin)?")
"""What converters call the weight files; others are a model's if its model.json names them."""


def check_target(target: Path, *, force: bool) -> None:
    """See that a model can be written to a folder. Raises RequestError.

    With ``force`` a folder may hold another TensorFlow.js model, which is replaced; never anything else. First finishes
    or removes what a killed delivery to this target has left.
    """
    require_usable(f"--output {target}", target, below=True)
    _end_killed_deliveries(target.resolve())
    if not os.path.lexists(target):
        parent = next(folder for folder in target.absolute().parents if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise RequestError(f"--output {target}: {parent} cannot be written to")
        return
    if not target.is_dir():
        raise RequestError(f"--output {target}: it exists and is not a folder")
    if not os.access(target, os.W_OK):
        raise RequestError(f"--output {target}: it cannot be written to")
    names = sorted(path.name for path in target.iterdir())
    of_the_model = _files_of_a_model(target) if names else frozenset()
    strange = [
        name
        for name in names
        if not (name in of_the_model or _SHARD.fullmatch(name)) or not stat.S_ISREG((target / name).lstat().st_mode)
    ]
    not_empty = f"--output {target}: the folder is not empty"
    if names and not strange and "model.json" in names:
        if not force:
            raise RequestError(f"{not_empty}: there is a model in it\nhint: --force replaces it")
    elif names:
        raise RequestError(f"{not_empty}: {_why_not_replaced(target, strange)}")


def _why_not_replaced(target: Path, strange: Sequence[str]) -> str:
    """Why a folder that is not empty is not replaced, with the way to go on."""
    reason = strange[0] if strange else "no model.json"
    why = f"it holds something else than a model ({reason}), which is not replaced"
    if not strange or not _OF_NPM.issuperset(strange):
        return f"{why}\nhint: give a folder that is not there, or an empty one"
    paths = " ".join(shlex.quote(str(path)) for path in (*(target / name for name in strange), target.parent))
    return f"{why}\nhint: Node finds packages in the folder above too: mv {paths}"


def _files_of_a_model(folder: Path) -> frozenset[str]:
    """The files that are certain to be a converted model's: a package.json beside it, or a model.json that is a
    schema, is somebody's work."""
    found = read(folder).artifact
    if found is None or not {"modelTopology", "weightsManifest"} & found.document.keys():
        return frozenset()
    shards = (shard.name for group in found.shards for shard in group)
    return frozenset({"model.json", ACCOUNT, *shards, *_written_beside(folder)})


def _written_beside(folder: Path) -> Iterator[str]:
    """The files that a delivery put beside its model and that are still as it wrote them."""
    try:
        beside = _ACCOUNTS.read(folder / ACCOUNT).beside
    except OSError:
        return
    for name, digest in beside.items():
        with contextlib.suppress(OSError, ValueError):
            if hashlib.sha256(read_regular(folder / name)).hexdigest() == digest:
                yield name


@contextlib.contextmanager
def lock_target(target: Path, store: Store) -> Iterator[None]:
    """Hold a target, so that no other command with this store writes there. Raises RequestError where one does."""
    name = hashlib.sha256(os.fsencode(target.resolve())).hexdigest()
    lock = filelock.FileLock(store.folder("locked") / f"target-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RequestError(f"--output {target}: another command is writing to it") from None
    try:
        yield
    finally:
        lock.release()


def deliver(
    source: Path,
    target: Path,
    more: Mapping[str, bytes],
    *,
    force: bool,
    exchange: Callable[[Path, Path], bool] = exchange_folders,
) -> None:
    """Put the model in ``source``, and the files ``more``, where ``target`` is to be.

    A reader sees the old model until the new one is there whole. Where ``exchange`` cannot swap two folders in one step
    there is a moment without either, between two renames; in a target that has to stay the same folder (a mount, the
    working directory, a parent that is not writable) there is no model.json while its files are moved in. A command
    that is killed in such a moment leaves what the next `check_target` or `deliver` finishes with; one that is killed
    before leaves the old model, and a folder beside it that the next one removes.

    Raises RequestError as `check_target` does, MachineryError where the disk fails; the target is then as it was, or,
    where its files were being moved, finished by the next command.
    """
    check_target(target, force=force)
    target = target.resolve()  # a link stays, and what it leads to is exchanged
    stays = target.is_dir() and (
        target == Path.cwd() or target.is_mount() or not os.access(target.parent, os.W_OK)
    )  # it cannot be exchanged, or not without being pulled away under the shell that stands in it
    beside = target if stays else target.parent
    work = beside / f".{target.name}.{secrets.token_hex(4)}.tfjs-compat"
    with disk_errors(target):
        beside.mkdir(parents=True, exist_ok=True)
        work.mkdir()
        try:
            with _held(work / MARKER):
                try:
                    _copy(source, work / _NEW)
                    for name, content in more.items():
                        (work / _NEW / name).write_bytes(content)
                    _flush(work / _NEW)
                    if stays:
                        _begin_filling(target, work)
                        _fill(target, work)
                    else:
                        _replace(target, work, exchange)
                    _flush_folder(beside)
                finally:
                    _clear(work, target)
        finally:
            _remove_marker(work)


def _copy(source: Path, target: Path) -> None:
    """As shutil.copytree, which reports a full disk in a list of texts, and goes on with the other files."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            _copy(path, target / path.name)
        else:
            copy_file(str(path), str(target / path.name))


def _replace(target: Path, work: Path, exchange: Callable[[Path, Path], bool]) -> None:
    """Put the new model in the place of another, or of none."""
    new, old = work / _NEW, work / _OLD
    if not target.exists():
        new.rename(target)
    elif not exchange(new, target):
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            old.rename(target)
            raise


def _begin_filling(target: Path, work: Path) -> None:
    """Write down which files of the target go. From here on the filling is finished, by this command or the next."""
    moving = {path.name for path in (work / _NEW).iterdir() if path.is_file()}
    gone = sorted(path.name for path in target.iterdir() if path != work and path.name not in moving)
    write_whole(work / _FILLING, msgspec.json.encode(gone))


def _fill(target: Path, work: Path) -> None:
    """Move the files of the new model into a folder that stays, or go on with that.

    Without its model.json, which goes first and comes last, a folder holds no model: a reader sees the old one, none,
    or the new one.
    """
    moving = sorted((work / _NEW).iterdir(), key=lambda path: path.name == "model.json")
    if moving:
        (target / "model.json").unlink(missing_ok=True)
        for name in _NAMES.decode((work / _FILLING).read_bytes()):
            if (target / name).is_file():
                (target / name).unlink()
        for path in moving:
            path.replace(target / path.name)
    (work / _FILLING).unlink()


def _clear(work: Path, target: Path) -> None:
    """Remove what a delivery needed, but for its marker; nothing, as long as another command has to finish it."""
    if (work / _FILLING).exists() or ((work / _OLD).exists() and not os.path.lexists(target)):
        return
    with contextlib.suppress(OSError):
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != MARKER:
                path.unlink()


def _remove_marker(work: Path) -> None:
    """Remove a delivery's folder where nothing else is left in it."""
    with contextlib.suppress(OSError):
        if all(path.name == MARKER for path in work.iterdir()):
            (work / MARKER).unlink(missing_ok=True)
            work.rmdir()


@contextlib.contextmanager
def _held(marker: Path) -> Iterator[bool]:
    """Whether nobody else holds a marker, which is made where there is none; it is held meanwhile.

    The lock is the operating system's: it ends with the process, however that ends.
    """
    lock = filelock.FileLock(marker, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    except NotImplementedError:  # a file system without locks: nobody can say whether a delivery lives
        marker.touch()
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _end_killed_deliveries(target: Path) -> None:
    """Finish the deliveries to a target that were killed once they had begun to replace it, and remove the others.

    A folder is one of ours by its name and its marker; an empty one of that name was killed before it had a marker.
    """
    named = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.tfjs-compat")
    for beside in (target.parent, target):
        with contextlib.suppress(OSError):
            for work in [path for path in beside.iterdir() if named.fullmatch(path.name)]:
                if work.is_symlink() or not work.is_dir():
                    continue
                if not any(work.iterdir()):
                    work.rmdir()
                elif (work / MARKER).is_file():
                    with _held(work / MARKER) as ended:
                        if ended:
                            _finish(work, target)
                    if ended:
                        _remove_marker(work)


def _finish(work: Path, target: Path) -> None:
    """The new model was complete when the old one began to go: it takes its place now."""
    if (work / _FILLING).is_file():
        _fill(target, work)
    elif (work / _OLD).is_dir() and (work / _NEW).is_dir() and not os.path.lexists(target):
        (work / _NEW).rename(target)
    _clear(work, target)


def _flush(folder: Path) -> None:
    """Have the files of a folder, and the folders in it, written to the disk."""
    for path in folder.iterdir():
        if path.is_dir():
            _flush(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
