"""What stays ready for the next run of the same command: environments' fork servers, and Nodes.

Importing TensorFlow takes seconds, a case of a small model less than one. A search that tries several cases in one
environment, or a command that runs again on each save, pays the import once. Nothing outlives the pool.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tfjs_compat.environments.environment import Environment, in_use
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.capacity import CASE_MEMORY, free_memory, total_memory
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.runtimes.warm_nodes import WarmNodePool
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings

SERVER_MEMORY = 3 << 28
"""Bytes that an idle server holds: TensorFlow and what it imports, 0.5 to 0.7 GiB."""

_SHARE = 0.25
"""Of the memory that there is, which idle servers may hold together."""


class _Idle(NamedTuple):
    """A session that waits, and what ends the mark that its environment is in use."""

    session: EnvironmentSession
    use: contextlib.ExitStack

    def close(self) -> None:
        self.session.close()
        self.use.close()


class WarmPool:
    """Sessions of environments by what they run in, at most ``most`` of them idle, and the Nodes of all runs."""

    def __init__(self, scratch: Path, most: int) -> None:
        """``scratch``: a folder of the pool's own, for what the servers need."""
        self.nodes = WarmNodePool()
        self._scratch, self._most = scratch, most
        self._idle: list[_Idle] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def session(
        self,
        environment: Environment,
        lock: Lock,
        variables: Mapping[str, str],
        settings: Settings,
        make: Callable[..., EnvironmentSession] = EnvironmentSession,
    ) -> Iterator[EnvironmentSession]:
        """A session of an environment, an idle one where there is one that fits; ``make`` makes a new one.

        It is idle again when the block ends, however that ends, as long as its server can run cases.
        """
        session = self._taken(environment, variables, settings)
        if session is None:
            session = make(environment, lock, variables, self._scratch / secrets.token_hex(4), settings)
        try:
            yield session
        finally:
            self._put_back(session)

    def close(self) -> None:
        """End all servers and Nodes that are idle, and from now on each one when it becomes so."""
        with self._lock:
            self._closed = True
            left, self._idle = self._idle, []
        for idle in left:
            idle.close()
        self.nodes.end()

    def _taken(
        self, environment: Environment, variables: Mapping[str, str], settings: Settings
    ) -> EnvironmentSession | None:
        with self._lock:
            fitting = next((idle for idle in self._idle if idle.session.runs_in(environment, variables)), None)
            if fitting is None:
                return None
            self._idle.remove(fitting)
        fitting.use.close()
        fitting.session.resume(settings)
        return fitting.session

    def _put_back(self, session: EnvironmentSession) -> None:
        if not session.is_warm:
            session.close()
            return
        use = contextlib.ExitStack()
        use.enter_context(in_use(session.environment))
        with self._lock:
            self._idle.append(_Idle(session, use))
            surplus = len(self._idle) - (0 if self._closed else self._most)
            # The one that was used last stays even where memory is short: it is the likeliest to be used next.
            if surplus <= 0 and len(self._idle) > 1 and free_memory() < CASE_MEMORY:
                surplus = 1
            ended = [self._idle.pop(0) for _ in range(surplus)]
        for idle in ended:
            idle.close()


def most_idle(total: int | None = None) -> int:
    """How many servers may wait, of a machine with so many bytes of memory (default: what this process may use).

    >>> most_idle(16 << 30), most_idle(2 << 30)
    (5, 1)
    """
    return max(1, int((total_memory() if total is None else total) * _SHARE / SERVER_MEMORY))


@contextlib.contextmanager
def open_warm_pool(store: Store, output: Path) -> Iterator[WarmPool]:
    """A pool that ends with the block. Its folder is in the store, or in ``output`` where the store is read-only.

    Raises MachineryError where no folder can be made.
    """
    parent = output if store.read_only else store.folder("scratch")
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder("warm-", parent) as scratch:
        pool = WarmPool(scratch, most_idle())
        try:
            yield pool
        finally:
            pool.close()
