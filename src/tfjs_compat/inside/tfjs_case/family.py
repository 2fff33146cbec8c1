"""The processes that come of this one: adopt those whose parent ends, and end them all. Linux; elsewhere nothing.

Python >= 3.8; imports nothing of tfjs_compat.
"""

import contextlib
import ctypes
import os
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36


def adopt():
    """Become the parent of every descendant that loses its own: no daemon, however it forks, gets out of sight."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_all(seconds=5.0):
    """Kill and reap all descendants, those included that they fork meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = descendants()
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        time.sleep(0.005)


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
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except OSError:
        pass
