"""Outcomes kept between runs, each under its key. What says nothing about a case is never kept.

``outcomes/KEY`` in the store holds ``outcome.json`` and the folder that it names, which has the case's log, records,
artifact and tensors. Such a folder never changes: a later outcome of the same key brings a folder of another name, then
``outcome.json`` is replaced, then the older folder goes. So several runs may read and keep the same key at once without
a lock: what a reader copies is whole and of one outcome, or it finds that the folder went meanwhile and looks again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from tfjs_compat.engine.keys import MODEL_CHANGED, CacheKey, RunConditions, cache_key, changes, conditions
from tfjs_compat.engine.plan import Planned
from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.models import content_of, different
from tfjs_compat.outcomes.failures import is_machinery
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.system.child_files import TooMuchError, copy_settled, read_child_file
from tfjs_compat.system.decoding import DamagedFileError, Reader
from tfjs_compat.system.files import disk_errors, remove_tree, write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.trials.touched import changed_path, is_of_another_place, place_of
from tfjs_compat.trials.trial import CACHE_MARK, LEFT

__all__ = [
    "CacheKey",
    "RunConditions",
    "cache_key",
    "conditions",
    "forget",
    "forget_locks",
    "keep",
    "kept_outcome",
    "record_key",
    "why_not_kept",
]

_OUTCOME = "outcome.json"
_ATTEMPTS = 5
_DAY = 86400.0
_MOST_BYTES, _MOST_FILES = 8 << 30, 20_000
"""What a case may leave for its outcome to be kept."""


class _Kept(msgspec.Struct, frozen=True):
    """``folder`` lies beside the file; ``size`` is that of its content: files, bytes."""

    outcome: Outcome
    folder: str
    size: tuple[int, int]


_KEPT = Reader[_Kept](_Kept)


def kept_outcome(
    key: str,
    store: Store,
    folder: Path | None = None,
    *,
    place: str | None = None,
    to_change: bool = False,
    warn: Callable[[str], object] = lambda _: None,
) -> Outcome | None:
    """The outcome kept under a key, or None; with ``folder``, the case's files are in there afterwards.

    ``place``: where the model's builder is (trials/touched.py), None for where it was. A folder that has the files
    already is left alone. ``to_change``: the caller goes on to change what is in ``folder``, so it gets fresh copies
    and is not taken for what is kept later. Raises nothing: what cannot be read or copied is not kept, and ``warn`` is
    called with the reason where that is the machine's.
    """
    home = store.root / "outcomes" / key
    for _ in range(_ATTEMPTS):
        try:
            kept = _read(home)
        except OSError as error:
            warn(_reason(error))
            return None
        if kept is None or not _counts(kept.outcome, place, store):
            return None
        source = home / kept.folder
        if not source.is_dir():
            # Another run replaced it just now, or it is gone.
            continue
        if folder is not None and (to_change or _mark_of(folder) != key):
            try:
                _copy(source, folder, kept.size)
                if not to_change:
                    write_whole(folder / CACHE_MARK, key, lasting=False)
            except (OSError, MachineryError) as error:
                with contextlib.suppress(MachineryError):
                    remove_tree(folder)
                if not source.is_dir():
                    continue
                warn(_reason(error))
                return None
        with contextlib.suppress(OSError):
            # Garbage is what was not used for long; a store may be read-only.
            os.utime(home)
        return kept.outcome
    return None


def _counts(outcome: Outcome, place: str | None, store: Store) -> bool:
    """Whether what an outcome rests on is as it was, for a builder that is there."""
    there = outcome.place if place is None else place
    return not is_of_another_place(outcome, there, store.root) and changed_path(outcome, there) is None


def keep(key: str, outcome: Outcome, folder: Path, store: Store) -> bool:
    """Keep an outcome and its case's folder, in place of what was kept under the key; whether it was kept.

    An outcome that the machinery or a limit decided is not: it says nothing about the case. Nor is one that rests on
    what is not known (``Outcome.unrepeatable``). Nor is one whose case left
    more than 8 GiB or 20,000 files. Raises MachineryError on
    a full disk or a read-only store; what was kept before is then there still.
    """
    if not _says_something(outcome):
        return False
    home, name = store.folder("outcomes") / key, secrets.token_hex(8)
    staged = home.with_name(f".keeping-{key}-{name}")
    with disk_errors(home):
        try:
            copy_settled(folder, staged / name, LEFT, most_bytes=_MOST_BYTES, most_files=_MOST_FILES)
            kept = _Kept(outcome, name, _size(staged / name))
            (staged / _OUTCOME).write_bytes(msgspec.json.encode(kept))
            _publish(staged, name, home)
        except TooMuchError:
            return False
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    with contextlib.suppress(MachineryError):
        # Without the mark the next run copies what lies here already.
        write_whole(folder / CACHE_MARK, key, lasting=False)
    return True


def forget(folder: Path, store: Store) -> None:
    """Remove the outcome that is kept of the trial in that folder. Raises nothing: at worst it stays."""
    key = _mark_of(folder)
    if key is not None and not store.read_only:
        with contextlib.suppress(MachineryError, OSError):
            remove_tree(store.folder("outcomes") / key)


def forget_locks(locks: Collection[str], store: Store) -> None:
    """Keep no outcome of these locks (ids) any longer. Raises MachineryError."""
    for home in store.folder("outcomes").iterdir():
        with contextlib.suppress(OSError):
            kept = _read(home)
            if kept is not None and kept.outcome.lock in locks:
                remove_tree(home)


def _publish(staged: Path, name: str, home: Path) -> None:
    """Put what is staged in its place; what was there goes afterwards. Raises OSError."""
    if home.is_symlink():
        # Nobody of us made it, and what it leads to is not the store's.
        home.unlink(missing_ok=True)
    try:
        # The first outcome of a key appears whole, with its folder.
        staged.rename(home)
    except OSError:
        if not home.is_dir():
            raise
    else:
        return
    (staged / name).rename(home / name)
    before = None
    with contextlib.suppress(OSError):
        before = _read(home)
    (staged / _OUTCOME).replace(home / _OUTCOME)
    for path in home.iterdir():
        # A name that is neither this one's nor the last one's is another run's, at work now or killed long ago.
        last = before is not None and path.name == before.folder
        if last or (path.name not in (name, _OUTCOME) and _is_old(path)):
            with contextlib.suppress(MachineryError):
                remove_tree(path)


def _says_something(outcome: Outcome) -> bool:
    """Whether an outcome would be the same again, as far as the machine is concerned."""
    by_machine = outcome.machinery is not None or (outcome.failure is not None and is_machinery(outcome.failure))
    return not by_machine and not outcome.limited and outcome.unrepeatable is None


def _read(home: Path) -> _Kept | None:
    """What is kept in a folder of the store, or None. Raises OSError where the folder cannot be read."""
    if home.is_symlink():
        # Nobody of us made it.
        return None
    try:
        kept = _KEPT.read(home / _OUTCOME)
    except (FileNotFoundError, NotADirectoryError, DamagedFileError):
        return None
    # A damaged file leads nowhere else.
    return kept if kept.folder.isalnum() else None


def _copy(source: Path, folder: Path, size: tuple[int, int]) -> None:
    """Copies, not links: what a user does to an artifact must not change what is kept. Raises OSError, MachineryError.

    Raises OSError also where less arrives than was kept: a loss of power may have damaged it.
    """
    remove_tree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        copy_settled(source, folder, os.listdir(source), most_bytes=_MOST_BYTES, most_files=_MOST_FILES)  # noqa: PTH208
    except TooMuchError as error:
        raise OSError(None, str(error), str(source)) from error
    if not source.is_dir() or _size(folder) != size:
        raise OSError(None, "not whole any more", str(source))


def _size(folder: Path) -> tuple[int, int]:
    """How many files a folder holds and how many bytes they have."""
    sizes = [os.lstat(Path(place, name)).st_size for place, _, names in os.walk(folder) for name in names]
    return len(sizes), sum(sizes)


def _mark_of(folder: Path) -> str | None:
    return read_child_file(folder / CACHE_MARK, 64).decode("utf-8", "replace") or None


def _is_old(path: Path) -> bool:
    """Whether no run that is at work now can have made it."""
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime > _DAY
    return False


def _reason(error: OSError | MachineryError) -> str:
    """One line: the path and what is the matter with it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def record_key(planned: Planned, key: CacheKey, store: Store) -> None:
    """Note the key of a case's kept outcome, so that ``why_not_kept`` can compare a later key with it.

    Raises MachineryError on a full disk.
    """
    note = _Note(key, content_of(planned.case.model))
    write_whole(_note_of(planned, store), msgspec.json.encode(note), lasting=False)


def why_not_kept(planned: Planned, key: CacheKey, store: Store) -> str | None:
    """Why a case will run although it may have run before; None where its outcome is kept.

    It names what decided: of the model the files that are others, of what it opens the file.
    """
    place, model = place_of(planned.case.model), planned.case.model
    if kept_outcome(key.key, store, place=place) is not None:
        return None
    with contextlib.suppress(OSError):
        kept = _read(store.root / "outcomes" / key.key)
        here = kept is not None and not is_of_another_place(kept.outcome, place, store.root)
        if kept is not None and here and (changed := changed_path(kept.outcome, place)) is not None:
            return f"{changed}, which its model opens, changed since it was run"
    try:
        before = _NOTES.read(_note_of(planned, store))
    except DamagedFileError:
        return "the note of its last run is damaged, or of another tfjs-compat"
    except OSError:
        return "it was never run to an end that can be kept"
    texts = changes(before.key, key)
    if before.key.model != key.model and (named := different(before.content, content_of(model))):
        texts[texts.index(MODEL_CHANGED)] = f"{named} changed"
    return "; ".join(texts) + " since it was run" if texts else "its outcome is gone from the store, or damaged"


class _Note(msgspec.Struct, frozen=True):
    """The key of a case's last outcome; of its model each file with a digest."""

    key: CacheKey
    content: dict[str, str]


_NOTES = Reader[_Note](_Note)


def _note_of(planned: Planned, store: Store) -> Path:
    """A file for each case and place: models of two projects may have one name."""
    place = hashlib.sha256(os.fsencode(planned.case.model.path)).hexdigest()[:16]
    return store.folder("cache-keys") / f"{planned.case.id}-{place}.json"
