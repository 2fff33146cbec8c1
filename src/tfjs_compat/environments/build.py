"""Lock → environment: a virtualenv on disk, one per lock, whole or not there."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tfjs_compat.environments import linking, wheels
from tfjs_compat.environments.environment import (
    DEFAULT_LAYOUT,
    DESCRIPTION,
    Environment,
    Layout,
    NotInstallable,
    folder_name,
    read_environment,
)
from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.files import disk_errors, remove_tree, write_whole
from tfjs_compat.system.store import Store


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
    name = folder_name(lock.id, layout)
    root = store.folder("environments") / name
    with store.locked("environment", name, stop=stop):
        standing = read_environment(root)
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
            write_whole(root / DESCRIPTION, msgspec.json.encode(made, enc_hook=str))
            if read_environment(root) is None:
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
            env=clean_environment(app_data / "home", VIRTUALENV_CONFIG_FILE=os.devnull),
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
