"""Which environments and unpacked wheels go: those that nobody used for a while, and what was left half-made."""

from __future__ import annotations

import shutil

from tfjs_compat.environments.environment import last_used, read_environment, users_of
from tfjs_compat.environments.registry import environment_folders, list_environments
from tfjs_compat.environments.wheels import claimed, is_wheel
from tfjs_compat.system.files import remove_tree
from tfjs_compat.system.store import Store


def collect_environments(store: Store, horizon: float) -> list[str]:
    """Remove the environments last used before ``horizon`` (seconds since the epoch), half-built and broken ones.

    Gives the names of their folders. What a run uses or builds stays.
    """
    removed = []
    for root in environment_folders(store):
        # Looked at under the lock: until then it may be half-built by a run that is at it.
        with store.locked("environment", root.name):
            environment = read_environment(root)
            if (environment is None or last_used(environment) <= horizon) and not users_of(root):
                remove_tree(root)
                removed.append(root.name)
    return removed


def collect_wheels(store: Store) -> list[str]:
    """Remove the unpacked wheels that no environment links to, and half-filled ones; gives the names of their folders.

    A build claims its wheels under the same lock before it looks for them, so that none goes while it is linked.
    """
    root, removed = store.folder("wheels"), []
    with store.locked("collecting"):
        used = {key for environment in list_environments(store) for key in environment.trees}
        used |= {key for folder in environment_folders(store) for key in claimed(folder)}
        with store.locked("wheels"):
            for path in sorted(root.iterdir()):
                if path.name not in used and (is_wheel(path) or path.name.startswith(".")):
                    shutil.rmtree(path, ignore_errors=True) if path.name.startswith(".") else remove_tree(path)
                    removed.append(path.name)
    return removed
