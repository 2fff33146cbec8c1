"""How a run of TensorFlow.js ended, and whether that says anything about the model."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from tfjs_compat.system.process import ExitStatus

_OWN_SIGNALS = frozenset(
    getattr(signal, name)
    for name in ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS")
    if hasattr(signal, name)
)
"""Signals that a program gets for what it does itself: V8 aborts when its heap is full, native code crashes."""

_SHELL_SIGNALS = 128
"""A shell script that started a program exits with this plus the number of the signal that ended the program."""


@dataclass(frozen=True)
class TfjsExit:
    """How a run of TensorFlow.js ended.

    ``fault`` is a clause that says what ended it from outside (a kill, a crashed tab), in which case nothing is known
    of the model; None where TensorFlow.js ended by itself or passed a limit.
    """

    status: ExitStatus
    fault: str | None = None


def outside_kill(program: str, status: ExitStatus) -> str | None:
    """A clause that says who killed a program, where it did not do it itself and passed no limit; else None.

    >>> outside_kill("Node", ExitStatus(-9, None, 1.0, 0))
    'Node was killed by SIGKILL (possibly out of memory)'
    >>> outside_kill("Node", ExitStatus(-15, None, 1.0, 0))
    'Node was killed by SIGTERM'
    >>> outside_kill("Node", ExitStatus(-6, None, 1.0, 0))  # SIGABRT: its own doing
    """
    code = status.exit_code
    number = -code if code < 0 else code - _SHELL_SIGNALS
    if status.limit_exceeded is not None or number <= 0 or number in _OWN_SIGNALS:
        return None
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"{program} was killed by signal {number}" if code < 0 else None
    return f"{program} was killed by {name}" + " (possibly out of memory)" * (name == "SIGKILL")
