"""Whether what environments link to is what was unpacked; what is not is put right."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tfjs_compat.environments import linking
from tfjs_compat.environments.environment import Environment, read_environment, users_of
from tfjs_compat.environments.install import Installer, UnbuildableError
from tfjs_compat.environments.records import Damage, damage, is_bytecode, said
from tfjs_compat.environments.registry import environment_folders
from tfjs_compat.environments.sealing import is_sealed, unloadable_bytecode
from tfjs_compat.environments.wheels import StoredWheel, is_wheel, refill, seal_standing, stored_wheels
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock, read_lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import read_regular, remove_tree
from tfjs_compat.system.store import Store

_QUICK_BYTES = 1 << 20
"""What is compared of a file before a failure is believed: modules and bytecode are smaller, and read in a second."""


class Mended(msgspec.Struct, frozen=True):
    """Something of the store that was damaged: its folder's name, how, and why it still is (None: it is whole again).

    ``locks`` are the ids of the locks whose environments link to it.
    """

    name: str
    damage: str
    unmended: str | None = None
    locks: tuple[str, ...] = ()


class Verified(msgspec.Struct, frozen=True):
    """How many unpacked wheels and environments were looked at, and which of them were damaged."""

    wheels: int
    environments: int
    damaged: tuple[Mended, ...]


class _Owner(msgspec.Struct, frozen=True):
    """What a wheel of the store can be unpacked with again."""

    wheel: StoredWheel
    lock: Lock
    python: Interpreter


def verify(context: Context, installer: Installer = Installer()) -> Verified:
    """Compare every unpacked wheel with its RECORD, every environment's links with what they lead to, and mend.

    A damaged wheel is unpacked again, file by file, so that runs that use it go on; one that no environment links to is
    removed, and so is an environment with dangling links that nobody uses: the next run makes them. Raises
    MachineryError where the store cannot be written to, Interrupted.
    """
    store = context.store
    if store.read_only:
        raise MachineryError(f"the store {store.root} cannot be written to, so nothing in it can be mended")
    owners = dict(_owners(context))
    trees = [path for path in sorted(store.folder("wheels").iterdir()) if is_wheel(path)]
    damaged: list[Mended] = []
    for tree in trees:
        context.progress.say("verify", tree.name)
        if damage(tree) or not is_sealed(tree):
            with store.locked("wheels", stop=context.stop):
                if (mended := _mend(tree, owners.get(tree.name, []), context, installer)) is not None:
                    damaged.append(mended)
    folders = environment_folders(store)
    for root in folders:
        with store.locked("environment", root.name, stop=context.stop):
            if (lost := _lost(root, store)) is not None and not users_of(root):
                remove_tree(root)
                damaged.append(Mended(root.name, f"{lost}; it is built anew when it is needed"))
    return Verified(len(trees), len(folders), tuple(damaged))


def _owners(context: Context) -> Iterator[tuple[str, list[_Owner]]]:
    found: dict[str, list[_Owner]] = {}
    for root in environment_folders(context.store):
        environment = read_environment(root)
        try:
            lock = read_lock(read_regular(root / "lock.txt").decode("utf-8"))
        except (OSError, UnicodeDecodeError, RequestError):
            continue
        if environment is not None:
            python = Interpreter(environment.python.version, environment.python.platform, environment.base)
            for wheel in stored_wheels(lock, python):
                found.setdefault(wheel.key, []).append(_Owner(wheel, lock, python))
    yield from found.items()


def _mend(tree: Path, owners: list[_Owner], context: Context, installer: Installer) -> Mended | None:
    """Make a wheel of the store whole; None where only cases had added bytecode to it. The caller holds ``wheels``."""
    if not owners:
        if not (found := [each for each in damage(tree) if not is_bytecode(each.path)]):
            return None
        remove_tree(tree)
        return Mended(tree.name, said(found))
    owner, locks = owners[0], tuple(sorted({owner.lock.id for owner in owners}))
    before = damage(tree)
    if not is_sealed(tree):
        # Bytecode that its RECORD does not know is what cases of earlier versions wrote: it counts where it is broken.
        unloadable = {path for _, path in unloadable_bytecode([tree], owner.python.executable, context)}
        before = [each for each in before if not is_bytecode(each.path) or each.path in unloadable]
    seal_standing([tree], owner.python, context)
    if not (found := damage(tree)):
        return Mended(tree.name, said(before), locks=locks) if before else None
    try:
        refill([owner.wheel], owner.lock, owner.python, context, installer, anew=True)
    except (MachineryError, UnbuildableError) as error:
        return Mended(tree.name, said(found), str(error), locks)
    return Mended(tree.name, said(found), locks=locks)


def _lost(root: Path, store: Store) -> str | None:
    """What an environment does not lead to any more, as a clause; None: nothing, or it is none yet."""
    if dangling := _dangling(root):
        return f"{dangling[0]} leads nowhere"
    environment = read_environment(root)
    return _astray(environment, store) if environment is not None else None


def _astray(environment: Environment, store: Store) -> str | None:
    """What of an environment's site-packages is not what was put there, as a clause."""
    venv = environment.root / "venv"
    trees = [store.root / "wheels" / name for name in environment.trees]
    if trees and (lost := linking.unlinked(trees, venv)) is not None:
        return f"{lost} does not lead to the package"
    try:
        added = sorted({*linking.entries(venv)} - {*environment.entries}) if environment.entries else []
    except (OSError, StopIteration):
        return f"{venv} cannot be read"
    return f"{added[0]} was added to its site-packages" if added else None


def _dangling(root: Path) -> list[str]:
    """The links of an environment that lead nowhere. A folder that is becoming one has none."""
    found = []
    for folder, names, files in os.walk(root / "venv"):
        for name in (*names, *files):
            path = Path(folder, name)
            if path.is_symlink() and not path.exists():
                found.append(path.relative_to(root).as_posix())
    return found


_seen: dict[tuple[str, float, float], str | None] = {}
_looking = threading.Lock()


def damage_said(environment: Environment, context: Context, *, thorough: bool) -> str | None:
    """What is damaged of what an environment imports from, in a few words, or None.

    Not ``thorough``: of files above a megabyte only the size is compared. Raises MachineryError, Interrupted.
    """
    trees = [context.store.root / "wheels" / name for name in environment.trees]
    trees = trees or [linking.site_packages(environment.root / "venv")]
    most = float("inf") if thorough else float(_QUICK_BYTES)
    if (astray := _astray(environment, context.store)) is not None:
        return astray
    # Of cases that fail at the same time one looks, the others take its answer.
    with _looking:
        for tree in trees:
            # Whoever mends a wheel writes its RECORD.
            key = (str(tree), most, max((path.stat().st_mtime for path in tree.glob("*.dist-info")), default=0.0))
            if key not in _seen:
                _seen[key] = _damage_of(tree, environment, context, most)
            if (found := _seen[key]) is not None:
                return found
    return None


def _damage_of(tree: Path, environment: Environment, context: Context, most: float) -> str | None:
    found = [each for each in damage(tree, most=most) if each.kind != "unlisted" or environment.trees]
    strays = {each.path for each in found if each.kind == "unlisted" and is_bytecode(each.path)}
    real = [each for each in found if each.path not in strays]
    if strays and not real:
        # Written by cases of earlier versions, and by nobody else: it counts where Python cannot load it.
        broken = unloadable_bytecode([tree], environment.base, context)
        real = [Damage(path, "changed") for _, path in broken if path in strays]
    return f"{tree.name}: {said(real)}" if real else None
