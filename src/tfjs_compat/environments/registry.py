"""The environments of the store: list, find, remove."""

from __future__ import annotations

from pathlib import Path

from tfjs_compat.environments.environment import (
    Environment,
    last_used,
    read_environment,
    users_of,
)
from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.system.files import remove_tree
from tfjs_compat.system.store import Store


def list_environments(store: Store) -> list[Environment]:
    """All whole environments of the store, the most recently used last."""
    found = [environment for root in environment_folders(store) if (environment := read_environment(root)) is not None]
    return sorted(found, key=last_used)


def find(prefix: str, store: Store) -> Environment:
    """The environment whose id starts with ``prefix``. Raises RequestError where none or several do."""
    if not prefix:
        raise RequestError("an empty id\nhint: give the beginning of one; `tfjs-compat env list` shows them")
    whole = list_environments(store)
    found = [environment for environment in whole if environment.id.startswith(prefix)]
    if len(found) != 1:
        what = "several environments start" if found else "no environment starts"
        raise RequestError(
            f"{what} with '{prefix}'\nhint: {nearest(prefix, [environment.id for environment in whole])}"
        )
    return found[0]


def remove(environment: Environment, store: Store) -> None:
    """Remove an environment. Raises RequestError while a run uses it."""
    with store.locked("environment", environment.id):
        if users := users_of(environment.root):
            raise RequestError(f"environment {environment.id} is in use by process {users[0]}")
        remove_tree(environment.root)


def environment_folders(store: Store) -> list[Path]:
    """The folders that hold an environment or are becoming one, by name."""
    return sorted(path for path in store.folder("environments").iterdir() if not path.name.startswith("."))
