"""Wheels from peers that have them unpacked, else from the index: who fetches what, and what counts as whole.

What a peer sends counts when each file is as its RECORD says, the RECORD is the one that every peer with this wheel
has, and name and version are the pin's. Whatever else comes, or does not come in time, is no answer: then the index
is asked.
Of machines that lack the same wheel at the same time one asks the index, and the others wait for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name, canonicalize_version

from tfjs_compat.environments.peers import Offer, Part, Peers, Sent, digest_of_rows, getting
from tfjs_compat.environments.records import Row, damage, rows_of
from tfjs_compat.errors import Interrupted
from tfjs_compat.system.files import disk_errors, remove_tree

BATCH_BYTES = 4 << 20
"""What is asked of a peer at once."""

_BATCH_FILES = 1000
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 900.0
_START_SECONDS = 30.0
_SLOWEST = 1 << 20
"""Bytes a second that a peer has to send, from ``_START_SECONDS`` on."""
_MOST_ROWS = 500_000
_RECORD = ".dist-info/RECORD"


class Wheel(NamedTuple):
    """A wheel to get: its name and version as the lock pins them, its key, and the folder it is to be in."""

    name: str
    version: str
    key: str
    folder: Path


def fill(
    wheels: Sequence[Wheel],
    peers: Peers,
    from_index: Callable[[Sequence[str]], None],
    put: Callable[[Path], None],
    stop: threading.Event,
) -> None:
    """Get wheels: from peers as far as they have them (``put`` is given each folder), else ``from_index``, by keys.

    Raises what these two raise, MachineryError for this machine's disk, Interrupted.
    """
    left = {wheel.key: wheel for wheel in wheels}
    refused: set[tuple[str, str]] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with _wanted(left):
        while left:
            said = peers.ask(tuple(left))
            for key in list(left):
                holders = _holders(key, said, refused)
                for peer, digest in holders:
                    if stop.is_set():
                        raise Interrupted
                    if receive(left[key], peer, digest, peers, stop):
                        put(left.pop(key).folder)
                        break
                    refused.add((peer, key))
            waits = time.monotonic() < deadline
            if own := [key for key in left if not (waits and _is_awaited(key, said, peers.me))]:
                getting.update(dict.fromkeys(own, "fetches"))
                from_index(own)
                for key in own:
                    del left[key]
            elif left and stop.wait(_POLL_SECONDS):
                raise Interrupted


@contextlib.contextmanager
def _wanted(keys: Mapping[str, object]) -> Iterator[None]:
    wanted = tuple(keys)
    getting.update(dict.fromkeys(wanted, "wants"))
    try:
        yield
    finally:
        for key in wanted:
            getting.pop(key, None)


def _holders(key: str, said: Mapping[str, Mapping[str, Offer]], refused: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The peers that have a wheel, with its digest; none where they do not have the same."""
    found = [
        (peer, offers[key].digest) for peer, offers in said.items() if key in offers and offers[key].state == "has"
    ]
    if len({digest for _, digest in found}) > 1:
        return []
    return [(peer, digest) for peer, digest in found if (peer, key) not in refused]


def _is_awaited(key: str, said: Mapping[str, Mapping[str, Offer]], me: str) -> bool:
    """Whether a peer fetches a wheel, or wants it and comes before this machine."""
    states = [(peer, offers[key].state) for peer, offers in said.items() if key in offers]
    return any(state == "fetches" or (state == "wants" and peer < me) for peer, state in states)


def receive(wheel: Wheel, peer: str, digest: str, peers: Peers, stop: threading.Event) -> bool:
    """Get a wheel from a peer into its folder; whether it came whole. Else the folder is not there.

    Raises MachineryError for this machine's disk, Interrupted.
    """
    try:
        whole = _receive(wheel, peer, digest, peers, stop)
    except _NotSentError:
        whole = False
    except BaseException:
        remove_tree(wheel.folder)
        raise
    if not whole:
        remove_tree(wheel.folder)
    return whole


class _NotSentError(Exception):
    """A peer did not send what it was asked for."""


def _receive(wheel: Wheel, peer: str, digest: str, peers: Peers, stop: threading.Event) -> bool:
    began, received = time.monotonic(), 0

    def read(parts: Sequence[Part]) -> Sequence[Sent]:
        nonlocal received
        if stop.is_set():
            raise Interrupted
        try:
            found = peers.read(peer, wheel.key, parts)
        except Exception as error:
            raise _NotSentError(str(error)) from error
        if parts and [part.size for part in parts] != [len(sent.data) for sent in found]:
            raise _NotSentError("another size than its RECORD says")
        received += sum(len(sent.data) for sent in found)
        seconds = time.monotonic() - began
        if seconds > _START_SECONDS and received < _SLOWEST * seconds:
            raise _NotSentError("too slow")
        return found

    rows = _rows([sent.data for sent in read(())], wheel.folder)
    if digest_of_rows(rows) != digest or not _is_of(wheel, rows):
        return False
    for batch in _batches([row for row in rows if not row.path.endswith(_RECORD)]):
        sent = read(batch)
        with disk_errors(wheel.folder):
            for part, piece in zip(batch, sent, strict=True):
                path = wheel.folder / part.path
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("r+b" if part.start else "xb") as file:
                    file.seek(part.start)
                    file.write(piece.data)
                if piece.executable and not part.start:
                    path.chmod(path.stat().st_mode | 0o111)
    return not damage(wheel.folder)


def _rows(records: Sequence[bytes], folder: Path) -> list[Row]:
    """Write RECORDs into a wheel's folder, each where it says that it is; gives what they list, without themselves."""
    found: list[Row] = []
    for content in records:
        try:
            rows = rows_of(content.decode())
        except ValueError as error:
            raise _NotSentError(f"a RECORD that makes no sense: {error}") from None
        own = [row.path for row in rows if row.path.endswith(_RECORD) and row.path.count("/") == 1]
        if len(own) != 1 or len(rows) > _MOST_ROWS:
            raise _NotSentError("a RECORD that does not list itself")
        with disk_errors(folder):
            (folder / own[0]).parent.mkdir(parents=True, exist_ok=True)
            (folder / own[0]).write_bytes(content)
        found += [row for row in rows if row.is_inside]
    return found


def _is_of(wheel: Wheel, rows: Sequence[Row]) -> bool:
    """Whether the files are those of a distribution of that name and version, each with its size and digest."""
    tops = {path.partition("/")[0] for path in (row.path for row in rows) if ".dist-info/" in path}
    name, _, version = next(iter(tops), "").removesuffix(".dist-info").partition("-")
    return (
        len(tops) == 1
        and (canonicalize_name(name), canonicalize_version(version))
        == (wheel.name, canonicalize_version(wheel.version))
        and all(row.size is not None and row.digest is not None for row in rows if not row.path.endswith(_RECORD))
    )


def _batches(rows: Sequence[Row]) -> Iterator[list[Part]]:
    """The files of a wheel in parts that are asked for together."""
    batch: list[Part] = []
    size = 0
    for row in rows:
        assert row.size is not None
        for start in range(0, max(1, row.size), BATCH_BYTES):
            part = Part(row.path, start, min(BATCH_BYTES, row.size - start))
            if batch and (size + part.size > BATCH_BYTES or len(batch) == _BATCH_FILES):
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += part.size
    if batch:
        yield batch
