"""The processes that come of this one: keep those whose parent ends, and kill them all. Linux; elsewhere nothing.

Python >= 3.8; imports nothing of tfjs_compat.
"""

import contextlib
import ctypes
import os
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36
_subreaper = False


def become_subreaper():
    """Become the parent of every descendant that loses its own: no daemon, however it forks, gets out of sight."""
    global _subreaper
    with contextlib.suppress(AttributeError, OSError, TypeError):
        _subreaper = ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def kill_descendants(seconds=5.0):
    """Kill and reap all descendants, those included that they fork meanwhile. Whether surely none is left.

    Surely: a subreaper without a child has no descendant.
    """
    until = time.monotonic() + seconds
    while _reap():
        for pid in descendants():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not _reap():
            break
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return _subreaper


def descendants():
    """The ids of all processes below this one, zombies among them."""
    parents = {}
    try:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    # The name before it, in parentheses, may hold anything.
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    except OSError:
        return []
    found, level = [], [os.getpid()]
    while level:
        level = [pid for pid, parent in parents.items() if parent in level]
        found += level
    return found


def _reap():
    """Reap the children that have ended; whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
