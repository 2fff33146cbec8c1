"""Lock → environment: a virtualenv on disk, one per lock, whole or not there."""

from __future__ import annotations

import time
from pathlib import Path

from tfjs_compat.environments import linking, wheels
from tfjs_compat.environments.environment import (
    DEFAULT_LAYOUT,
    Environment,
    Layout,
    NotInstallable,
    describe,
    folder_name,
    read_environment,
    touch,
)
from tfjs_compat.environments.install import Installer, UnbuildableError, install
from tfjs_compat.environments.sealing import seal
from tfjs_compat.environments.virtualenvs import make_virtualenv
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import disk_errors, remove_tree, write_whole


def build(
    lock: Lock,
    interpreter: Interpreter,
    context: Context,
    *,
    layout: Layout = DEFAULT_LAYOUT,
    installer: Installer = Installer(),
) -> Environment | NotInstallable:
    """The environment of a lock, built if it is not there.

    Of two runs that need the same one, the second waits and takes it. Until the last file is in place it does not
    count as built, and the next run starts it anew. Raises MachineryError for faults of disk and network, Interrupted.
    """
    store = context.store
    name = folder_name(lock.id, layout)
    root = store.folder("environments") / name
    with store.locked("environment", name, stop=context.stop):
        standing = read_environment(root)
        if standing is not None:
            # So that nobody collects it before the caller marks it as in use.
            touch(standing)
            return standing
        if store.read_only:
            raise MachineryError(
                f"the environment of lock {lock.id} is not in the store, and the store {store.root} cannot be written"
                " to\nhint: set TFJS_COMPAT_CACHE to a folder that can"
            )
        remove_tree(root)
        with disk_errors(root):
            root.mkdir()
        if layout == "linked" and not linking.is_possible(root):
            installer.warn("the store's file system has no symbolic links: every environment holds its packages itself")
            layout = "flat"
        try:
            trees = _fill(lock, interpreter, root, context, layout, installer)
            made = Environment(
                name,
                root,
                lock.python,
                interpreter.executable,
                lock.packages,
                time.time(),
                trees,
                linking.entries(root / "venv"),
            )
            with store.locked("collecting", stop=context.stop):
                describe(made)
            if read_environment(root) is None:
                raise MachineryError(f"packages of environment {name} were removed while it was built; run again")
        except UnbuildableError as error:
            remove_tree(root)
            return NotInstallable(error.short(), str(error))
        except BaseException:
            remove_tree(root)
            raise
        return made


def _fill(
    lock: Lock, interpreter: Interpreter, root: Path, context: Context, layout: Layout, installer: Installer
) -> tuple[str, ...]:
    """Put a virtualenv with a lock's packages into ``root``; the names of the unpacked wheels that it links to."""
    venv = root / "venv"
    write_whole(root / "lock.txt", lock.text)
    make_virtualenv(venv, interpreter, context.store)
    trees: tuple[Path, ...] = ()
    if layout == "linked":
        stored = wheels.stored_wheels(lock, interpreter)
        wheels.claim([wheel.key for wheel in stored], root, context)
        trees = wheels.unpacked(stored, lock, interpreter, context, installer)
        with disk_errors(venv):
            linking.link_all(trees, venv)
    else:
        python = Environment(lock.id, root, lock.python, "", {}, 0).executable
        if install(lock, ["--python", str(python)], {"lock.txt": lock.text}, context, installer):
            installer.warn("its files could not be linked from uv's cache: every one was copied")
        seal([linking.site_packages(venv)], interpreter.executable, context)
    _add_stand_ins(lock, venv)
    return tuple(tree.name for tree in trees)


def _add_stand_ins(lock: Lock, venv: Path) -> None:
    """An empty module for each package that the lock leaves out, under the name that it would be imported by."""
    for name in lock.stand_ins:
        module = name.lower().replace("-", "_").replace(".", "_")
        text = f'"""Stands in for {name}, which is not installed: an import of it succeeds and finds nothing."""\n'
        write_whole(linking.site_packages(venv) / f"{module}.py", text)
