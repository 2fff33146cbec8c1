"""The workers of a Dask cluster as one another's source of unpacked wheels (``environments/peers.py``).

They speak directly, on the connections that Dask has between its workers, beside whatever task runs. Of a large cluster
each asks some of the others.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import distributed
import msgspec

from tfjs_compat.engine.dask_worker import without_peers
from tfjs_compat.environments import peers
from tfjs_compat.environments.peers import Offer, Part, Sent
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.store import Store

_OFFERS, _SEND = "tfjs_compat_wheel_offers", "tfjs_compat_wheel_parts"
_MOST_ASKED = 32
_ANSWER_SECONDS = 10.0
_READ_SECONDS = 30.0

_SAID = Reader[dict[str, Offer]](dict[str, Offer])
_SENT = Reader[list[Sent]](list[Sent])
_PARTS = Reader[list[Part]](list[Part])


async def _answer_offers(keys: Sequence[str], reader: str) -> Any:
    found = await asyncio.to_thread(peers.offers, keys, Store(), reader)
    return msgspec.to_builtins(found)


async def _answer_send(key: str, parts: Any, reader: str) -> Any:
    sent = await asyncio.to_thread(peers.send, key, _PARTS.convert(parts), Store(), reader)
    return msgspec.to_builtins(sent, builtin_types=(bytes,))


class WheelSharing(distributed.WorkerPlugin):
    """Lets a worker answer the others, also one that has not run a task yet."""

    name = "tfjs-compat-wheels"

    def setup(self, worker: Any) -> None:
        """Called by Dask on each worker."""
        worker.handlers.update({_OFFERS: _answer_offers, _SEND: _answer_send})


class DaskPeers:
    """The other workers of the cluster, as seen from the task that runs in this thread."""

    def __init__(self, note: Callable[[str], None]) -> None:
        """``note`` is called with why the others could not be asked. Raises any exception where no worker runs here."""
        self._note = note
        self._worker: Any = distributed.get_worker()
        self._client: Any = distributed.get_client()
        self.me = str(self._worker.address)

    def ask(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Offer]]:
        """What some of the others say of wheels."""
        try:
            others = [str(address) for address in self._client.nthreads() if address != self.me]
        except Exception as error:
            self._note(without_peers(error))
            return {}
        asked = random.sample(others, min(_MOST_ASKED, len(others)))

        async def all_of_them() -> list[Any]:
            calls = [getattr(self._worker.rpc(peer), _OFFERS)(keys=list(keys), reader=self.me) for peer in asked]
            return await asyncio.gather(
                *(asyncio.wait_for(call, _ANSWER_SECONDS) for call in calls), return_exceptions=True
            )

        try:
            answers = self._on_loop(all_of_them(), 2 * _ANSWER_SECONDS)
            return {
                peer: _SAID.convert(said) for peer, said in zip(asked, answers, strict=True) if isinstance(said, dict)
            }
        except Exception as error:
            self._note(without_peers(error))
            return {}

    def read(self, peer: str, key: str, parts: Sequence[Part]) -> Sequence[Sent]:
        """Parts of a wheel of one of them."""

        async def one() -> Any:
            call = getattr(self._worker.rpc(peer), _SEND)
            return await call(key=key, parts=msgspec.to_builtins(list(parts)), reader=self.me)

        return _SENT.convert(self._on_loop(one(), _READ_SECONDS))

    def _on_loop(self, work: Any, seconds: float) -> Any:
        running = asyncio.run_coroutine_threadsafe(work, self._worker.loop.asyncio_loop)
        try:
            return running.result(seconds)
        except BaseException:
            running.cancel()
            raise
