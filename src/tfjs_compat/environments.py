"""Lock → environment: a virtualenv on disk, one per lock, whole or not there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from tfjs_compat import linking, process, uv, wheels
from tfjs_compat.errors import MachineryError, RequestError, nearest
from tfjs_compat.interpreters import Interpreter
from tfjs_compat.locks import Lock
from tfjs_compat.store import Store, disk_errors, remove_tree, write_whole

_DONE = "environment.json"


class Environment(msgspec.Struct, frozen=True):
    """A built environment: ``root`` holds the virtualenv ``venv`` and the lock it was filled from.

    ``trees`` names the folders of the store of unpacked wheels that it links to; none where its files are its own.
    """

    id: str
    root: Path
    python: str
    base: str
    packages: dict[str, str]
    built: float
    trees: tuple[str, ...] = ()

    @property
    def bin(self) -> Path:
        """Where the environment's executables are."""
        return self.root / "venv" / ("Scripts" if os.name == "nt" else "bin")

    @property
    def executable(self) -> Path:
        """The environment's Python."""
        return self.bin / ("python.exe" if os.name == "nt" else "python")


Layout = Literal["linked", "flat"]
"""How an environment holds its packages: links into the store of unpacked wheels, or files of its own."""

DEFAULT_LAYOUT: Layout = "flat" if os.name == "nt" else "linked"


class NotInstallable(msgspec.Struct, frozen=True):
    """Why a lock cannot be installed: a distribution that does not build here."""

    message: str
    text: str


def is_built(lock_id: str, store: Store, layout: Layout = DEFAULT_LAYOUT) -> bool:
    """Whether the environment of a lock stands ready."""
    return _read(store.root / "environments" / _name(lock_id, layout)) is not None


def _name(lock_id: str, layout: Layout) -> str:
    return lock_id if layout == "linked" else f"{lock_id}-{layout}"


def build(
    lock: Lock,
    interpreter: Interpreter,
    store: Store,
    *,
    layout: Layout = DEFAULT_LAYOUT,
    stop: threading.Event | None = None,
    on_line: Callable[[str], None] | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Environment | NotInstallable:
    """The environment of a lock, built if it is not there. ``warn`` is told what makes it larger than it should be.

    Of two runs that want the same one, the second waits and takes it. Until the last file is in place it does not
    count as built, and the next run starts it anew. Raises MachineryError for faults of disk and network, Interrupted.
    """
    name = _name(lock.id, layout)
    root = store.folder("environments") / name
    with store.locked("environment", name, stop=stop):
        standing = _read(root)
        if standing is not None:
            return standing
        if store.read_only:
            raise MachineryError(
                f"the environment of lock {lock.id} is not in the store, and the store {store.root} cannot be written"
                " to: set TFJS_COMPAT_CACHE to a folder that can"
            )
        remove_tree(root)
        with disk_errors(root):
            root.mkdir()
        if layout == "linked" and not linking.is_possible(root):
            warn("the store's file system has no symbolic links: every environment holds its packages itself")
            layout = "flat"
        try:
            refused = _fill(lock, interpreter, root, store, layout, stop, on_line, warn)
        except BaseException:
            remove_tree(root)
            raise
        if refused is not None:
            remove_tree(root)
            return refused
        trees = tuple(one.key for one in wheels.pinned(lock, interpreter)) if layout == "linked" else ()
        made = Environment(name, root, lock.python, interpreter.executable, lock.packages, time.time(), trees)
        with store.locked("collecting", stop=stop):
            write_whole(root / _DONE, msgspec.json.encode(made, enc_hook=str))
            if _read(root) is None:
                raise MachineryError(f"packages of environment {name} were removed while it was built; run again")
        return made


def _fill(
    lock: Lock,
    interpreter: Interpreter,
    root: Path,
    store: Store,
    layout: Layout,
    stop: threading.Event | None,
    on_line: Callable[[str], None] | None,
    warn: Callable[[str], None],
) -> NotInstallable | None:
    import virtualenv

    venv, requirements = root / "venv", root / "lock.txt"
    write_whole(requirements, lock.text)
    app_data = store.folder("virtualenv")
    try:
        virtualenv.cli_run(
            [str(venv), "--python", interpreter.executable, "--no-seed", "--app-data", str(app_data), "--quiet"],
            setup_logging=False,
            # The caller's VIRTUALENV_… and virtualenv.ini would change what is made.
            env=process.clean_environment(app_data / "home", VIRTUALENV_CONFIG_FILE=os.devnull),
        )
    except (RuntimeError, OSError, SystemExit) as error:
        raise MachineryError(f"no virtualenv can be made with {interpreter.executable}: {error}") from error
    if layout == "linked":
        try:
            trees = wheels.unpacked(lock, interpreter, store, stop=stop, on_line=on_line, warn=warn)
        except wheels.UnbuildableError as error:
            return NotInstallable(_build_failure(str(error)), str(error))
        with disk_errors(venv):
            linking.link_all(trees, venv)
        _stand_in(lock, venv)
        return None
    python = Environment(lock.id, root, lock.python, "", {}, 0).executable
    arguments = ["pip", "install", "--python", str(python), "--require-hashes", "--no-deps", "-r", str(requirements)]
    said, _ = uv.call(arguments, store, stop=stop, on_line=on_line)
    if said.ok:
        if uv.COPIED in said.text:
            warn("its files could not be linked from uv's cache: every one was copied")
        _stand_in(lock, venv)
        return None
    if (fault := uv.machinery_fault(said.text)) is not None:
        raise MachineryError(fault)
    if "Failed to build" in said.text:
        return NotInstallable(_build_failure(said.text), said.text)
    raise MachineryError(f"uv could not install lock {lock.id}: {said.text.strip()[-600:]}")


def _stand_in(lock: Lock, venv: Path) -> None:
    """An empty module for each package that the lock leaves out, under the name that it would be imported by."""
    for name in lock.stand_ins:
        module = name.lower().replace("-", "_").replace(".", "_")
        told = f'"""Stands in for {name}, which is not installed: an import of it succeeds and finds nothing."""\n'
        write_whole(linking.site_packages(venv) / f"{module}.py", told)


def _build_failure(text: str) -> str:
    package = re.search(r"Failed to build `([^`]+)`", text)
    errors = [line.strip() for line in text.splitlines() if re.match(r"\s*(\w+\.)*\w*(Error|Exception)\b", line)]
    return f"{package[0] if package else 'a source build failed'}" + (f": {errors[-1]}" if errors else "")


def _read(root: Path) -> Environment | None:
    """The environment in a folder, or None where it is not whole or its interpreter is gone."""
    try:
        found = msgspec.json.decode((root / _DONE).read_bytes(), type=Environment, dec_hook=_as_path)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None
    found = msgspec.structs.replace(found, root=root)
    shelf = root.parent.parent / "wheels"
    whole = (
        found.executable.exists() and Path(found.base).exists() and all((shelf / one).is_dir() for one in found.trees)
    )
    return found if whole else None


def _as_path(_kind: type, value: object) -> Path:
    return Path(str(value))


@contextlib.contextmanager
def in_use(environment: Environment) -> Iterator[None]:
    """Mark an environment as used by this process, so that nobody removes it meanwhile.

    The mark is a lock and not a mere file: that of a process which was killed does not count.
    """
    mark = environment.root / f"used-by-{os.getpid()}-{threading.get_ident()}"
    if environment.root.is_dir() and not os.access(environment.root, os.W_OK):
        # Nothing can be marked in a read-only store, nor can anybody who is like us remove from it.
        yield
        return
    lock = FileLock(mark)
    with disk_errors(mark):
        lock.acquire()
    try:
        with disk_errors(mark):
            (environment.root / _DONE).stat()
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)
            os.utime(environment.root / _DONE)


def list_environments(store: Store) -> list[Environment]:
    """All whole environments of the store, the most recently used last."""
    found = [environment for root in _roots(store) if (environment := _read(root)) is not None]
    return sorted(found, key=last_used)


def last_used(environment: Environment) -> float:
    """When an environment last ran a case, in seconds since the epoch."""
    try:
        return (environment.root / _DONE).stat().st_mtime
    except OSError:
        return environment.built


def find(prefix: str, store: Store) -> Environment:
    """The environment whose id starts with ``prefix``. Raises RequestError where none or several do."""
    found = [one for one in list_environments(store) if one.id.startswith(prefix)]
    if len(found) != 1:
        what = "several environments start" if found else "no environment starts"
        raise RequestError(f"{what} with '{prefix}'; {nearest(prefix, [one.id for one in list_environments(store)])}")
    return found[0]


def remove(environment: Environment, store: Store) -> None:
    """Remove an environment. Raises RequestError while a run uses it."""
    with store.locked("environment", environment.id):
        if users := _users(environment.root):
            raise RequestError(f"environment {environment.id} is in use by process {users[0]}")
        remove_tree(environment.root)


def collect_garbage(store: Store, *, unused_days: float) -> list[str]:
    """Remove what is half-built, what lost its interpreter, and what was not used for that many days."""
    removed = []
    horizon = time.time() - unused_days * 86400
    for root in _roots(store):
        # Looked at under the lock: until then it may be half-built by a run that is at it.
        with store.locked("environment", root.name):
            environment = _read(root)
            if (environment is None or last_used(environment) <= horizon) and not _users(root):
                remove_tree(root)
                removed.append(root.name)
    leftovers = [*store.folder("environments").glob(".removing-*")]
    leftovers += [path for path in store.folder("scratch").iterdir() if _is_old(path)]
    leftovers += [path for path in store.folder("outcomes").glob(".*") if _is_old(path)]
    kept = [*store.folder("outcomes").glob("[!.]*"), *store.folder("conversions").glob("[!.]*")]
    leftovers += [path for path in kept if _unused(path, horizon)]
    for leftover in leftovers:
        shutil.rmtree(leftover, ignore_errors=True)
    # A build that ends meanwhile looks, under this lock, whether what it links to is still there.
    with store.locked("collecting"):
        wheels.free_unused(store, {one for environment in list_environments(store) for one in environment.trees})
    return removed


def _unused(path: Path, horizon: float) -> bool:
    """Whether nothing has asked for a kept folder since."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime <= horizon
    return False


def _is_old(path: Path) -> bool:
    """Whether nothing that runs now can have made a folder: no call of uv takes a day."""
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > 86400
    return False


def _roots(store: Store) -> list[Path]:
    return sorted(path for path in store.folder("environments").iterdir() if not path.name.startswith("."))


def _users(root: Path) -> list[str]:
    """The ids of the processes that use an environment; marks of processes that are gone are cleared away."""
    found = []
    for mark in root.glob("used-by-*-*"):
        try:
            with FileLock(mark, timeout=0):
                pass
        except Timeout:
            found.append(mark.name.split("-")[2])
        else:
            mark.unlink(missing_ok=True)
    return found
