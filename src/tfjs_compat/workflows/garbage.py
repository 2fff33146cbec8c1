"""Remove from the store what is broken or was not used for a while."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from tfjs_compat.environments import wheels
from tfjs_compat.environments.environment import (
    last_used,
    read_environment,
    users_of,
)
from tfjs_compat.environments.registry import environment_folders, list_environments
from tfjs_compat.system.files import remove_tree
from tfjs_compat.system.store import Store


def collect_garbage(store: Store, *, unused_days: float) -> list[str]:
    """Remove what is half-built, what lost its interpreter, and what was not used for that many days."""
    removed = []
    horizon = time.time() - unused_days * 86400
    for root in environment_folders(store):
        # Looked at under the lock: until then it may be half-built by a run that is at it.
        with store.locked("environment", root.name):
            environment = read_environment(root)
            if (environment is None or last_used(environment) <= horizon) and not users_of(root):
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
