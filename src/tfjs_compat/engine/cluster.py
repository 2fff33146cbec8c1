"""A Dask cluster as an executor: one that is there (``dask://HOST:PORT``), or one of processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from types import ModuleType
from typing import Any

from tfjs_compat.engine.dask_worker import QUEUE_LENGTH
from tfjs_compat.engine.remote import RemoteExecutor
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system.store import Store

_CONNECT_SECONDS = 10
_WORKERS_SECONDS = 60


def open_cluster(address: str, store: Store) -> tuple[Executor, int]:
    """An executor over the cluster whose scheduler is at HOST:PORT, and how many tasks it runs at once.

    Raises RequestError without the extra ``cluster``, MachineryError where it cannot be reached or has no worker.
    """
    distributed = _distributed()
    if re.fullmatch(r"[^\s/:@]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", address) is None:
        raise RequestError(
            f"--executor dask://{address[:80]}: not the HOST:PORT of a scheduler\nhint: dask://127.0.0.1:8786"
        )
    try:
        client = distributed.Client(f"tcp://{address}", timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise MachineryError(f"--executor dask://{address}: the scheduler cannot be reached: {error}") from None
    return _executor(client, store, client.close)


def open_local_cluster(workers: int, store: Store) -> tuple[Executor, int]:
    """An executor over a cluster of ``workers`` processes of this machine, which use the same store."""
    distributed = _distributed()
    cluster = distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address=None,
        silence_logs=50,
        env={"TFJS_COMPAT_CACHE": str(store.root)},
    )
    client = distributed.Client(cluster, set_as_default=False)

    def close() -> None:
        client.close()
        cluster.close()

    return _executor(client, store, close)


def _executor(client: Any, store: Store, close: Callable[[], None]) -> tuple[Executor, int]:
    """Raises MachineryError where no worker comes."""
    with contextlib.suppress(TimeoutError, OSError):
        client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
    threads = sum(client.nthreads().values())
    if not threads:
        close()
        raise MachineryError(
            "the cluster has no worker\n"
            "hint: `dask worker HOST:PORT` starts one, where the same version of tfjs-compat is installed"
        )
    _share_wheels(client)
    # Not pure: the same task twice is run twice.
    return RemoteExecutor(client.get_executor(pure=False), store, close, _Queue(client)), threads


def _share_wheels(client: Any) -> None:
    """Let the workers have unpacked wheels of one another. One that cannot fills its store from the index."""
    from tfjs_compat.engine.dask_peers import WheelSharing

    with contextlib.suppress(Exception):
        client.register_plugin(WheelSharing())


class _Queue:
    """A channel (``remote.Channel``) that is a queue of the scheduler."""

    def __init__(self, client: Any) -> None:
        self.name = f"tfjs-compat-{secrets.token_hex(8)}"
        self._queue = _distributed().Queue(self.name, client, maxsize=QUEUE_LENGTH)

    def receive(self) -> Sequence[dict[str, Any]]:
        """What the queue holds, and nothing more waited for: a time-out would be an error in the scheduler's log."""
        found: Sequence[dict[str, Any]] = self._queue.get(batch=True)
        return found


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError:
        raise RequestError(
            "--executor: a cluster needs the extra 'cluster'\nhint: pip install 'tfjs-compat[cluster]'"
        ) from None
    # Its loggers have levels of their own, and tell of lost connections with tracebacks: results say what was lost.
    for name in ("asyncio", "tornado", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return distributed
