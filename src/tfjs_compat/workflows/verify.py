"""Look at what the store holds, mend what is damaged, and forget what was found out with it."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import msgspec

from tfjs_compat.engine import cache
from tfjs_compat.environments.install import Installer
from tfjs_compat.environments.verification import Mended, Verified
from tfjs_compat.environments.verification import verify as verify_store
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

_ANSWERS = ("cache-keys", "code", "index", "interpreters", "programs", "resolved")
"""Rooms of the store in which every file is an answer that is found again where it is gone."""


def verify(context: Context, installer: Installer = Installer()) -> Verified:
    """Verify the store (see ``environments.verification``). Outcomes that rest on something damaged are kept no longer,
    and what is no file goes from where answers are kept: none could be written there.

    Raises MachineryError, Interrupted.
    """
    verified = verify_store(context, installer)
    locks = {lock for mended in verified.damaged for lock in mended.locks}
    if locks:
        cache.forget_locks(locks, context.store)
    return msgspec.structs.replace(verified, damaged=(*verified.damaged, *_cleared(context.store)))


def _cleared(store: Store) -> Iterator[Mended]:
    """What stood in the place of kept answers; a folder that holds something stays."""
    for room in _ANSWERS:
        for path in sorted(store.folder(room).glob("*.json")):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                continue
            unmended = None
            try:
                path.rmdir() if stat.S_ISDIR(mode) else path.unlink()
            except OSError as error:
                unmended = f"{error.strerror or error}: remove it"
            yield Mended(f"{room}/{path.name}", "it is no file", unmended)
