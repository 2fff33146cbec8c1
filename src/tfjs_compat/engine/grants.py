"""What runs of this user allowed their models to do: a record alone allows nothing, for it may be a stranger's."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.permissions import ALL, Permissions
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store


def grant(permissions: Permissions, output: Path, store: Store) -> None:
    """Note that this user gave the models of a run in this output folder these permissions. Raises MachineryError."""
    if permissions != Permissions():
        write_whole(_note(permissions, output, store), msgspec.json.encode(permissions), lasting=False)


def granted(claimed: Permissions, output: Path, asked: Permissions, store: Store) -> Permissions:
    """What counts of the permissions that a record in ``output`` claims its run to have had.

    All of them where this user gave them to a run there; none where what is ``asked`` now says the same. Raises
    RequestError where neither is so: whoever wrote the record may have written anything.
    """
    if claimed == Permissions() or _note(claimed, output, store).is_file():
        return claimed
    missing = _missing(claimed, asked)
    if not missing:
        return Permissions()
    raise RequestError(
        f"{output}: its record says that its models were allowed more than others, and no run of yours allowed it there"
        f"\nhint: {' '.join(missing) if claimed.confined else '`tfjs-compat run` with its matrix, if you trust it'}"
    )


def _missing(claimed: Permissions, asked: Permissions) -> list[str]:
    """The options that would allow what is claimed and not asked; what no option allows is the matrix's."""
    missing = ["--allow-network"] if claimed.network and not asked.network else []
    missing += [f"--allow-write {folder}" for folder in claimed.write if folder not in asked.write]
    missing += ["--trust-model"] if claimed.trust and ALL not in asked.trust else []
    return missing if claimed.confined else [*missing, "[permissions] confined = false"]


def _note(permissions: Permissions, output: Path, store: Store) -> Path:
    place = os.fsencode(os.path.realpath(output))
    name = hashlib.sha256(place + b"\0" + msgspec.json.encode(permissions)).hexdigest()[:24]
    return store.folder("granted") / f"{name}.json"
