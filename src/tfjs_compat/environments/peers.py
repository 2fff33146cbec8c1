"""Machines with stores of their own, as one another's source of unpacked wheels: what one offers, and sends.

A wheel is asked for by its key, which stands for the hashes that its lock allows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from tfjs_compat.environments.records import Row, is_bytecode, read_rows, records_of
from tfjs_compat.environments.sealing import is_sealed
from tfjs_compat.system.files import open_regular
from tfjs_compat.system.store import Store

_MOST_RECORD = 64 << 20
_MOST_READERS = 4
_READS_SECONDS = 5.0
_SCRIPTS = ("bin", "Scripts")


class Offer(msgspec.Struct, frozen=True):
    """What a peer says of a wheel: it ``has`` it, with a digest of its content; it fetches it, or is about to."""

    state: Literal["has", "fetches", "wants"]
    digest: str = ""


class Part(msgspec.Struct, frozen=True):
    """Some bytes of a file of a wheel."""

    path: str
    start: int
    size: int


class Sent(msgspec.Struct, frozen=True):
    """What a peer sends of a Part."""

    data: bytes
    executable: bool


class Peers(Protocol):
    """Other machines with stores of their own."""

    @property
    def me(self) -> str:
        """The name that the others know this machine by."""

    def ask(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Offer]]:
        """What each of them, by name, says of wheels, by key. Those that do not answer are left out."""

    def read(self, peer: str, key: str, parts: Sequence[Part]) -> Sequence[Sent]:
        """Parts of a wheel; those of its RECORDs, where none is given. Raises any exception where they do not come."""


getting: dict[str, Literal["fetches", "wants"]] = {}
"""The wheels that this process lacks and is about to get."""

_readers: dict[str, float] = {}
"""When each peer read from here last."""


def offers(keys: Sequence[str], store: Store, reader: str) -> dict[str, Offer]:
    """What this machine answers a peer: one that is busy with others says that it is not ready yet."""
    now, found = time.monotonic(), dict[str, Offer]()
    busy = sum(now - at < _READS_SECONDS for peer, at in _readers.items() if peer != reader) >= _MOST_READERS
    for key in keys:
        if (tree := _tree(key, store)) is not None:
            with contextlib.suppress(OSError, ValueError):
                found[key] = Offer("fetches") if busy else Offer("has", _content(tree))
        elif (state := getting.get(key)) is not None:
            found[key] = Offer(state)
    return found


def send(key: str, parts: Sequence[Part], store: Store, reader: str) -> list[Sent]:
    """What a peer reads here; without ``parts`` the RECORDs. Raises OSError, ValueError."""
    _readers[reader] = time.monotonic()
    if (tree := _tree(key, store)) is None:
        raise ValueError(f"{key} is not here")
    parts = parts or [Part(path.relative_to(tree).as_posix(), 0, _MOST_RECORD) for path in records_of(tree)]
    return [_read(tree, part) for part in parts]


def _read(tree: Path, part: Part) -> Sent:
    if not Row(part.path).is_inside or ".." in part.path.split("/"):
        raise ValueError(f"{part.path} leads out of its wheel")
    path = tree / part.path
    with open_regular(path) as file:
        file.seek(part.start)
        return Sent(file.read(part.size), bool(os.fstat(file.fileno()).st_mode & 0o100))


def _tree(key: str, store: Store) -> Path | None:
    if re.fullmatch(r"[\w.+!-]+-[0-9a-f]{12}", key) is None:
        return None
    tree = store.root / "wheels" / key
    return tree if not tree.is_symlink() and is_sealed(tree) else None


def _content(tree: Path) -> str:
    """A digest of what the RECORDs of a wheel say."""
    return digest_of_rows([row for record in records_of(tree) for row in read_rows(record)])


def digest_of_rows(rows: Sequence[Row]) -> str:
    """A digest of rows that is the same on each machine: bytecode and scripts name the folders of theirs."""
    lines = sorted(
        f"{row.path}\0{row.digest}\0{row.size}\n"
        for row in rows
        if row.is_inside and not is_bytecode(row.path) and row.path.partition("/")[0] not in _SCRIPTS
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
