"""How a run of TensorFlow.js ended, and whether that says anything about the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tfjs_compat.system.limits import ExitStatus

_SHELL_SIGNALS = 128
"""A shell script that started a program exits with this plus the number of the signal that ended the program."""


@dataclass(frozen=True)
class TfjsExit:
    """How a run of TensorFlow.js ended.

    ``fault`` is a clause that says what ended it from outside (a kill, a crashed tab, the load of the machine), in
    which case nothing is known of the model; None where TensorFlow.js ended by itself or passed a limit.
    """

    status: ExitStatus
    fault: str | None = None


def outside_fault(program: str, status: ExitStatus) -> str | None:
    """A clause that says what ended a program, where that was not its own doing; else None.

    >>> outside_fault("Node", ExitStatus(-9, None, 1.0, 0))
    'Node was killed by SIGKILL (possibly out of memory)'
    >>> outside_fault("Node", ExitStatus(128 + 15, None, 1.0, 0))  # as a script says it
    'Node was killed by SIGTERM'
    >>> outside_fault("Node", ExitStatus(-6, None, 1.0, 0))  # SIGABRT: it ended itself, as V8 does on a full heap
    """
    if status.exit_code > _SHELL_SIGNALS:
        status = replace(status, exit_code=_SHELL_SIGNALS - status.exit_code)
    return f"{program} {status.fault}" if status.fault is not None else None
