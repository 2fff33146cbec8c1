"""The store of unpacked wheels: each distribution once on this machine, for however many environments.

uv chooses, downloads, checks and unpacks; what it unpacked is then parted by distribution, by the files that each
one's RECORD lists.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from tfjs_compat.environments.install import Installer, install
from tfjs_compat.environments.peer_wheels import Wheel, fill
from tfjs_compat.environments.records import (
    Row,
    damage,
    files_below,
    is_bytecode,
    is_whole,
    read_rows,
    records_of,
    remove_links,
    said,
    write_rows,
)
from tfjs_compat.environments.sealing import is_sealed, seal
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import Interpreter, PythonBuild
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, remove_flat, remove_tree, write_whole
from tfjs_compat.system.store import Store

_FILLING = ".filling-"
_KEY = re.compile(r".+-.+-[0-9a-f]{12}")
_LAST = ".dist-info/RECORD"

_KEYS = Reader[tuple[str, ...]](tuple[str, ...])


class StoredWheel(msgspec.Struct, frozen=True):
    """One distribution of a lock: its lines of the lock, and the name of its folder in the store."""

    name: str
    version: str
    lines: str
    key: str


def stored_wheels(lock: Lock, python: PythonBuild) -> list[StoredWheel]:
    """The distributions of a lock, in its order.

    A key stands for the version, the hashes that are allowed and the Python and platform that choose among them.
    """
    found = []
    for pin in lock.pins():
        decides = f"{pin.lines}\0{python.minor}\0{python.platform}\0{lock.source_builds}"
        short = hashlib.sha256(decides.encode()).hexdigest()[:12]
        found.append(StoredWheel(pin.name, pin.version, pin.lines, f"{pin.name}-{pin.version}-{short}"))
    return found


def is_wheel(path: Path) -> bool:
    """Whether an entry of the store's folder of wheels is named as one is: what is not, nobody of us put there."""
    return _KEY.fullmatch(path.name) is not None


_CLAIM = "wheels.json"


def claim(keys: Sequence[str], root: Path, context: Context) -> None:
    """Note in the folder of an environment which wheels it will link to, so that none of them is collected.

    Whoever collects holds the same lock: it has ended before, or it sees the claim. Raises MachineryError, Interrupted.
    """
    with context.store.locked("collecting", stop=context.stop):
        write_whole(root / _CLAIM, msgspec.json.encode(keys), lasting=False)


def claimed(root: Path) -> tuple[str, ...]:
    """The keys of the wheels that the environment in a folder claims, whole or not."""
    try:
        return _KEYS.read(root / _CLAIM)
    except OSError:
        return ()


def unpacked(
    wheels: Sequence[StoredWheel],
    lock: Lock,
    python: Interpreter,
    context: Context,
    installer: Installer,
) -> tuple[Path, ...]:
    """The folders of a lock's ``wheels``, in their order; what is not there is fetched first.

    The installer's ``warn`` is called where files are copies of those in uv's cache and not links to them. Raises
    MachineryError, Interrupted, UnbuildableError.
    """
    root = context.store.folder("wheels")
    trees = tuple(root / wheel.key for wheel in wheels)
    if not all(is_sealed(tree) for tree in trees):
        # One filling at a time: two runs that need one wheel would fetch it twice, and uv is parallel by itself.
        with context.store.locked("wheels", stop=context.stop):
            standing = [root / wheel.key for wheel in wheels if (root / wheel.key).is_dir()]
            seal_standing([tree for tree in standing if not is_sealed(tree)], python, context)
            if missing := [wheel for wheel in wheels if not is_sealed(root / wheel.key)]:
                _bring(missing, lock, python, context, installer)
    return trees


def _bring(
    missing: Sequence[StoredWheel], lock: Lock, python: Interpreter, context: Context, installer: Installer
) -> None:
    """Put wheels into the store, from peers or from the index. The caller holds lock ``wheels``."""
    # What was built of sources is for the machine that built it.
    if installer.peers is None or lock.source_builds:
        refill(missing, lock, python, context, installer)
        return
    root = context.store.folder("wheels")
    with _filling(root) as folder:

        def from_index(keys: Collection[str]) -> None:
            wanted = [wheel for wheel in missing if wheel.key in keys]
            _refill(wanted, lock, python, context, installer, folder / "index", anew=False)

        wanted = [Wheel(wheel.name, wheel.version, wheel.key, folder / wheel.key) for wheel in missing]
        fill(wanted, installer.peers, from_index, lambda tree: _put(tree, root), context.stop)


def seal_standing(trees: Sequence[Path], python: Interpreter, context: Context) -> None:
    """Compile those of the store's wheels anew of which nothing but bytecode is not as their RECORD says.

    So are those that cases of earlier versions compiled. The caller holds lock ``wheels``. Raises MachineryError,
    Interrupted.
    """
    good = []
    for tree in trees:
        with disk_errors(tree):
            remove_links(tree)
        if not tree.is_dir():
            continue
        found = damage(tree)
        if all(is_bytecode(each.path) for each in found):
            with disk_errors(tree):
                for each in found:
                    (tree / each.path).unlink(missing_ok=True)
            good.append(tree)
    seal(good, python.executable, context)


def refill(
    wheels: Sequence[StoredWheel],
    lock: Lock,
    python: Interpreter,
    context: Context,
    installer: Installer,
    *,
    anew: bool = False,
) -> None:
    """Put wheels of a lock into the store, whole, also where there are damaged ones. The caller holds lock ``wheels``.

    ``anew``: nothing is taken from uv's cache. Nobody sees a part: what is there is replaced file by file, for others
    may import from it. Raises MachineryError, Interrupted, UnbuildableError.
    """
    with _filling(context.store.folder("wheels")) as folder:
        _refill(wheels, lock, python, context, installer, folder, anew=anew)


def _refill(
    wheels: Sequence[StoredWheel],
    lock: Lock,
    python: Interpreter,
    context: Context,
    installer: Installer,
    folder: Path,
    *,
    anew: bool,
) -> None:
    root = context.store.folder("wheels")
    with disk_errors(root):
        remove_tree(folder / "all")
        _fill(wheels, lock, python, context, folder, installer, anew=anew)
    for wheel in wheels:
        _put(folder / wheel.key, root)


@contextlib.contextmanager
def _filling(root: Path) -> Iterator[Path]:
    """A folder beside the store's wheels, removed at the end; what a kill left of one goes first."""
    with disk_errors(root):
        _remove_fillings(root)
        with tempfile.TemporaryDirectory(dir=root, prefix=_FILLING) as name:
            yield Path(name)


def _put(whole: Path, root: Path) -> None:
    """Put a whole wheel into the store. Raises MachineryError."""
    with disk_errors(root):
        remove_links(root / whole.name)
        if (root / whole.name).is_dir():
            _replace(root / whole.name, whole)
        else:
            whole.rename(root / whole.name)


def remove_abandoned_fillings(store: Store) -> None:
    """Remove what runs that were killed while they filled the store left in it; nothing while another run fills it."""
    with store.locked_if_free("wheels") as free:
        if free:
            _remove_fillings(store.folder("wheels"))


def _remove_fillings(root: Path) -> None:
    for abandoned in root.glob(f"{_FILLING}*"):
        remove_flat(abandoned)


def _replace(standing: Path, whole: Path) -> None:
    """Make a folder what another one is, which is used up. Raises OSError."""
    wanted = files_below(whole)
    for path in sorted(wanted, key=lambda path: path.endswith(_LAST)):
        target = standing / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        (whole / path).replace(target)
    for path in files_below(standing) - wanted:
        (standing / path).unlink()


def _fill(
    missing: Sequence[StoredWheel],
    lock: Lock,
    python: Interpreter,
    context: Context,
    folder: Path,
    installer: Installer,
    *,
    anew: bool,
) -> None:
    """Unpack wheels, each into a folder of its own below ``folder``, checked and compiled."""

    def unpack(wheels: Sequence[StoredWheel], target: Path, *, anew: bool = anew) -> bool:
        """Install into a folder; whether the files are copies where links were possible."""
        policy = "" if lock.source_builds else "--only-binary :all:\n"
        inputs = {"requirements.txt": policy + "".join(wheel.lines for wheel in wheels)}
        options = ["--python", python.executable, "--target", str(target), *(["--no-cache"] if anew else [])]
        copied = install(lock, options, inputs, context, installer)
        (target / ".lock").unlink(missing_ok=True)  # uv's own
        return copied

    if unpack(missing, folder / "all") and not anew:
        installer.warn("packages could not be linked from uv's cache: they are on this disk twice")
    clashing = split_by_distribution(folder / "all", {wheel.name: folder / wheel.key for wheel in missing})
    for wheel in missing:
        tree = folder / wheel.key
        if wheel.name in clashing:
            # Two distributions bring one file: together, only one of them would have kept it.
            remove_tree(tree)
            unpack([wheel], tree)
        if found := damage(tree):
            # The copy in uv's cache may be damaged. What is fetched anew is compared with its hash, so that what is
            # other than its RECORD says in the same way once more was made so.
            remove_tree(tree)
            unpack([wheel], tree, anew=True)
            if again := damage(tree):
                if again != found:
                    raise MachineryError(f"{wheel.name} did not arrive whole: {said(again)}")
                _correct(tree)
            else:
                installer.warn(f"uv's cache has a damaged {wheel.name}, which `uv cache clean {wheel.name}` removes")
    seal([folder / wheel.key for wheel in missing], python.executable, context)


def _correct(tree: Path) -> None:
    """Take out of the RECORDs of a folder what they say wrongly. Raises MachineryError, OSError."""
    for record in records_of(tree):
        own, rows = record.relative_to(tree).as_posix(), read_rows(record)
        present = [row for row in rows if row.path == own or not row.is_inside or (tree / row.path).is_file()]
        write_rows(record, [row if is_whole(tree, row) else Row(row.path) for row in present])


def split_by_distribution(together: Path, folders: Mapping[str, Path]) -> set[str]:
    """Move what was unpacked into one folder apart, into a folder per distribution.

    ``folders``: canonical name → where to. Gives the distributions that claim a file that another claims too.
    Raises MachineryError for a distribution that did not arrive.
    """
    records: dict[str, Path] = {
        canonicalize_name(info.name.split("-")[0]): info for info in together.glob("*.dist-info")
    }
    owners: dict[str, str] = {}
    clashing: set[str] = set()
    by_top: dict[str, set[str]] = {}
    for name in folders:
        if name not in records:
            raise MachineryError(f"{name} was installed and left no metadata")
        try:
            rows = read_rows(records[name] / "RECORD")
        except ValueError as error:
            raise MachineryError(f"{name} was installed with a RECORD that makes no sense: {error}") from None
        for path in (row.path for row in rows if row.is_inside):
            if owners.setdefault(path, name) != name:
                clashing |= {owners[path], name}
            by_top.setdefault(path.split("/")[0], set()).add(name)
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for top, names in by_top.items():
        if len(names) == 1 and (together / top).exists():
            (together / top).rename(folders[next(iter(names))] / top)
    for path, name in owners.items():
        if len(by_top[path.split("/")[0]]) > 1 and (together / path).is_file():
            target = folders[name] / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (together / path).rename(target)
    return clashing
