"""Two folders change places in one step, where the operating system can do that."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


def exchange_folders(first: Path, second: Path) -> bool:
    """Exchange what two paths of one file system lead to: nobody ever sees either of them missing.

    False, and nothing done, where there is no such call: outside Linux, with a C library older than glibc 2.28, on a
    file system that does not implement it (some network mounts). Uses ``renameat2(2)`` with ``RENAME_EXCHANGE``.
    Raises OSError for any other reason.
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # no such function; no such library; Windows
        return False
    names = (os.fsencode(first.absolute()), os.fsencode(second.absolute()))
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_SUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(second))
