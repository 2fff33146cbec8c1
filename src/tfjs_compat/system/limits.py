"""What a child may use, how it ended, and whose fault that was. Pure."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass

from tfjs_compat.system.disk_use import DiskUse

_OUTSIDE_SIGNALS = frozenset(
    getattr(signal, name) for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
_FILE_TOO_LARGE = getattr(signal, "SIGXFSZ", None)
_LEAST_USED = 0.4
_MOST_WAITED = 0.6


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds in all, bytes of memory, of output, of disk, processes at once.

    Memory is that of its whole tree, what several processes share counted once. Disk is what its folder takes.
    """

    seconds: float = 600.0
    memory: int | None = None
    output: int = 1 << 30
    processes: int = 2000
    disk: int | None = None

    def exceeded(self, seconds: float, memory: int, output: int, processes: int = 1) -> str | None:
        """The first limit that these figures (seconds, bytes, bytes, a number) pass, as a clause; None: none."""
        if seconds > self.seconds:
            return f"over its time limit of {self.seconds:g} s"
        if self.memory is not None and memory > self.memory:
            return f"over its memory limit of {self.memory / 2**30:.3g} GiB"
        if output > self.output:
            return f"over its output limit of {self.output / 2**20:.0f} MiB"
        if processes > self.processes:
            return f"over its limit of {self.processes} processes"
        return None

    def exceeded_on_disk(self, use: DiskUse) -> str | None:
        """The clause for a folder that takes more of the disk than it may; None: it does not."""
        if self.disk is None or use.taken <= self.disk:
            return None
        return f"over its disk limit of {self.disk / 2**30:.3g} GiB"

    def by_signal(self, number: int, largest_file: float = math.inf) -> str | None:
        """The clause for a child that a signal ended which stands for a limit; None: that one stands for none.

        A file that is to grow beyond the limit of the disk ends whoever writes it by SIGXFSZ (setrlimit(2)). One that
        may have no more than ``largest_file`` bytes by the caller's own limit says nothing of the child's.
        """
        if self.disk is None or number != _FILE_TOO_LARGE or largest_file < self.disk:
            return None
        return self.exceeded_on_disk(DiskUse(self.disk + 1, 0, 0))


@dataclass(frozen=True)
class Shares:
    """What a child had of the machine's processors while it was watched.

    ``used``: seconds of processor time, of its whole tree. ``waited``: seconds in which the most delayed thread of the
    tree was ready to run and had no processor.
    """

    used: float = 0.0
    waited: float = 0.0


def starved(seconds: float, shares: Shares) -> bool:
    """Whether a child that ran for so many seconds was kept from running by the machine's load.

    A thread is always one of three: it runs, it waits for a processor, or it sleeps (for a file, a lock, a time). What
    a child sleeps is its own doing, as is what it computes; what it waits says how much sooner it would have come as
    far on a machine of its own. It was starved where it waited for more than 0.6 of the time and the whole tree used
    less than 0.4 of one processor: of its time limit it had less than half. Two busy children for each processor,
    which is as many as a run starts, wait for half of the time; three wait for two thirds. A child that starts many
    busy threads waits for itself, but uses its processors. Waiting for a disk or for swapped memory is not counted.

    >>> starved(600.0, Shares(used=590.0, waited=10.0))  # it computed
    False
    >>> starved(600.0, Shares(used=1.0, waited=0.5))  # it slept
    False
    >>> starved(600.0, Shares(used=60.0, waited=530.0))  # it had a tenth of a processor
    True
    """
    return shares.waited > _MOST_WAITED * seconds and shares.used < _LEAST_USED * seconds


@dataclass(frozen=True)
class ExitStatus:
    """How a child ended.

    ``exit_code``: negative: the signal that ended it. ``limit_exceeded``: the limit for which it was stopped, if so.
    ``peak_memory``: the most bytes that its tree was seen to hold. ``starved``: stopped for its time limit, while the
    machine was so busy that it hardly ran. ``crowded``: stopped because the disk was nearly full, below its own limit.
    """

    exit_code: int
    limit_exceeded: str | None
    seconds: float
    peak_memory: int
    starved: bool = False
    crowded: bool = False

    @property
    def ok(self) -> bool:
        """True where the child ended by itself with exit code 0."""
        return self.exit_code == 0 and self.limit_exceeded is None

    @property
    def fault(self) -> str | None:
        """What ended it where that says nothing about the child, as a clause for messages; else None.

        A signal that programs do not send themselves when they crash (SIGKILL, SIGTERM, SIGINT, SIGHUP) and that was
        not sent here, a limit that the caller set for files, a time limit that an overloaded machine made it pass, or
        a disk without room.
        """
        if self.limit_exceeded is not None:
            return self.describe() if self.starved or self.crowded else None
        return self.describe() if -self.exit_code in (*_OUTSIDE_SIGNALS, _FILE_TOO_LARGE) else None

    def describe(self) -> str:
        """A clause that says how the child ended, for messages."""
        if self.limit_exceeded is not None:
            load = " while the machine was overloaded (it had too little of a processor)" if self.starved else ""
            return f"was stopped: {self.limit_exceeded}{load}"
        if self.exit_code >= 0:
            return f"ended with exit code {self.exit_code}"
        name = signal_name(-self.exit_code)
        if -self.exit_code == _FILE_TOO_LARGE:
            return f"was ended by {name}: a file was to grow beyond what the caller's limit allows (ulimit -f)"
        if -self.exit_code not in _OUTSIDE_SIGNALS:
            return f"was ended by signal {name}"
        return f"was killed by {name}" + (" (possibly out of memory)" if name == "SIGKILL" else "")


def signal_name(number: int) -> str:
    """The name of a signal, or its number where it has none here."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
