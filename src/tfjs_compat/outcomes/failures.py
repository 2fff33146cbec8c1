"""What ended a case: exceptions, findings, and which of them are faults of the machinery."""

from __future__ import annotations

import errno
import re
from typing import Literal

import msgspec

from tfjs_compat.outcomes.stages import Stage


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One problem that a look at an artifact proves, or suspects.

    ``id`` is a known issue's id where the catalogue has one, else the check's own name. ``path`` is a JSON path
    into model.json (``$.modelTopology…``) or the name of a weight file. Only ``error`` decides a verdict.
    """

    id: str
    path: str
    message: str
    severity: Literal["error", "warning"] = "error"


class Raised(msgspec.Struct, frozen=True, omit_defaults=True):
    """An exception as a child recorded it: its type's full name, its text, and the modules it came through.

    ``link`` says how it hangs on the one before it in a chain (``cause``, ``context``); None for the outermost.
    """

    type: str
    message: str
    raised_in: str = ""
    through: tuple[str, ...] = ()
    link: str | None = None
    errno: int | None = None


Family = Literal["text", "bytes", "python", "fourier", "algebra"]
"""What operations do that no release of TensorFlow.js has: the families of inside/tfjs_case/counterparts.py."""


class Lacking(msgspec.Struct, frozen=True, omit_defaults=True):
    """Operations of one family in a graph that was not converted, between its inputs and its outputs, and the layers
    that they are in, each as ``name (class)``."""

    family: Family
    operations: tuple[str, ...]
    layers: tuple[str, ...] = ()


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ended a case before its last stage.

    One of: an exception chain (outermost first); ``packages`` that a resolver could not reconcile; ``findings`` that
    prove an artifact unusable; or only a ``message`` (a crash, a limit). ``text`` is the end of the log.
    ``unrepairable`` are the ids of the findings that are still there when the artifact is repaired. ``lacking`` are
    operations of the graph that no release of TensorFlow.js has; ``split`` is Python that makes the model behind them.
    """

    stage: Stage
    message: str
    chain: tuple[Raised, ...] = ()
    packages: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    text: str = ""
    unrepairable: tuple[str, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    split: str = ""

    @property
    def root(self) -> Raised | None:
        """The exception that started it: along the explicit causes (``raise … from``) to the innermost."""
        found = None
        for raised in self.chain:
            if raised.link == "context":
                break
            found = raised
        return found


NOT_ALLOWED = ("NetworkNotAllowed", "WriteNotAllowed", "SharedMemoryFull")
"""What a case's record calls what it was kept from (inside/tfjs_case/refused.py)."""

_MACHINERY_ERRNOS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.ENOMEM, errno.EAGAIN)
)
_MACHINERY_TYPES = ("urllib.error.URLError", "ConnectionError", "ConnectionRefusedError", "ConnectionResetError")
_MACHINERY_TEXT = re.compile(
    r"No space left on device|Disk quota exceeded|URL fetch failure on|Temporary failure in name resolution"
    # What limits of the shell (open files, processes, address space) make of threads and of loading a library.
    r"|Too many open files|can't start new thread|Cannot allocate memory|Resource temporarily unavailable"
    r"|failed to map segment from shared object"
    # As Node begins a message.
    r"|^(ENOSPC|EDQUOT|EIO|EMFILE|ENFILE|EROFS|ENOMEM|EAGAIN): "
)


def is_machinery(failure: Failure) -> bool:
    """Whether a failure is the machine's or the network's and says nothing about the case.

    This is the whole list of what counts as such in a child: a full or broken disk, too many open files or processes,
    no memory for a library or a process, a download that the model's code started and that failed. Not among them is
    what a case was kept from, nor an array that is too large: its model wants that everywhere.
    """
    if any(raised.type in NOT_ALLOWED for raised in failure.chain):
        return False
    return any(
        raised.errno in _MACHINERY_ERRNOS or raised.type in _MACHINERY_TYPES or _MACHINERY_TEXT.search(raised.message)
        for raised in failure.chain
    )
