"""Runs something in a child that is killed (SIGKILL) before its n-th step on the file system."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

_STEPS = ("open", "os.", "shutil.", "ctypes.")


def killed_at_step(step: int, work: Callable[[], None]) -> bool:
    """Whether a child that did the work was killed: False if it got through in fewer steps.

    A step is an audit event of the interpreter, which comes before the call: a file opened, renamed, removed, a folder
    made or listed, a function of the C library looked up.
    """
    child = os.fork()
    if child == 0:
        done = 0

        def count(event: str, _: object) -> None:
            nonlocal done
            if event.startswith(_STEPS):
                done += 1  # before the kill, which is an event too
                if done == step + 1:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the work itself failed"
    return False
