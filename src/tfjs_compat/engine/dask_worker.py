"""What a task that runs on a Dask worker can do: see whether it is still wanted, send word, ask other workers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tfjs_compat.environments.peers import Peers

QUEUE_LENGTH = 64
"""Messages that the scheduler holds for a coordinator before workers have to wait."""

_SEND_SECONDS = 60


def given_up() -> Callable[[], bool]:
    """Whether whoever sent the task of this thread has given it up, as far as that can be known here."""
    try:
        from distributed import worker as workers

        worker, key = workers.get_worker(), vars(workers)["thread_state"].key
    except (ImportError, ValueError, AttributeError, KeyError):
        return lambda: False

    def is_given_up() -> bool:
        state = worker.state.tasks.get(key)
        return state is None or state.state == "cancelled"

    return is_given_up


def open_channel(name: str) -> Callable[[dict[str, Any]], None]:
    """What sends a message to the coordinator that opened the channel of that name, from any thread of this process.

    Raises, as does what it gives, any exception where there is no connection.
    """
    distributed: Any = importlib.import_module("distributed")
    queue = distributed.Queue(name, client=distributed.get_client(), maxsize=QUEUE_LENGTH)
    return lambda message: queue.put(message, timeout=_SEND_SECONDS)


def peers(note: Callable[[str], None]) -> Peers | None:
    """The other workers, which may have wheels that this one lacks; None where no Dask worker runs here.

    ``note`` is called with why they cannot be asked, or were not.
    """
    try:
        from tfjs_compat.engine.dask_peers import DaskPeers

        return DaskPeers(note)
    except (ImportError, ValueError):
        # No Dask here, or no worker of it.
        return None
    except Exception as error:
        note(without_peers(error))
        return None


def without_peers(error: Exception) -> str:
    """What a run is told where other workers cannot be asked for wheels."""
    return f"wheels come from the index and not from other workers: {described(error)}"


def described(error: Exception) -> str:
    """An exception in a line: those of timeouts have no text."""
    return f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")
