"""Look at what the store holds, mend what is damaged, and forget what was found out with it."""

from __future__ import annotations

from tfjs_compat.engine import cache
from tfjs_compat.environments.install import Installer
from tfjs_compat.environments.verification import Verified
from tfjs_compat.environments.verification import verify as verify_store
from tfjs_compat.system.context import Context


def verify(context: Context, installer: Installer = Installer()) -> Verified:
    """Verify the store (see ``environments.verification``). Outcomes that rest on something damaged are kept no longer.

    Raises MachineryError, Interrupted.
    """
    verified = verify_store(context, installer)
    locks = {lock for mended in verified.damaged for lock in mended.locks}
    if locks:
        cache.forget_locks(locks, context.store)
    return verified
