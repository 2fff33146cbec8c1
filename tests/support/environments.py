"""Environments in a store, without building them."""

from __future__ import annotations

import os
import sys
import time

from tfjs_compat.environments.environment import Environment, describe
from tfjs_compat.environments.registry import list_environments
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.system.store import Store

RUNNING = Interpreter("{}.{}.{}".format(*sys.version_info[:3]), "linux-x86_64", os.path.realpath(sys.executable))


def put_environment(store: Store, id: str, *, days: float = 0.0, base: str = sys.executable) -> Environment:
    """An environment that was last used some days ago."""
    root = store.folder("environments") / id
    made = Environment(id, root, RUNNING.build, base, {"tensorflow": "2.15.0"}, time.time())
    made.bin.mkdir(parents=True)
    made.executable.write_text("")
    (made.root / "venv" / "pyvenv.cfg").write_text("")
    describe(made)
    used = time.time() - days * 86400
    os.utime(root / "environment.json", (used, used))
    return made


def folders(store: Store) -> list[str]:
    """The names of all folders of environments, whole or not."""
    return sorted(path.name for path in store.folder("environments").iterdir())


def ids(store: Store) -> list[str]:
    """The ids of the whole environments, the most recently used last."""
    return [environment.id for environment in list_environments(store)]
