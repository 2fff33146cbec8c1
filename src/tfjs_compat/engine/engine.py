"""What trials are run with, as one value."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from tfjs_compat.engine.tasks import TrialOptions
from tfjs_compat.engine.worker import Operations
from tfjs_compat.system.context import Context


@dataclass(frozen=True)
class Engine:
    """What trials are run with: ``executor`` runs ``jobs`` tasks at once, their files go to ``output``.

    ``remote``: on other machines, so that this one is no substitute for them. ``longest_unknown_first``: what is not
    known, or not for the longest time, begins, because the time may not be enough for all.
    """

    context: Context
    options: TrialOptions
    output: Path
    executor: Executor
    jobs: int
    operations: Operations = field(default_factory=Operations)
    remote: bool = False
    longest_unknown_first: bool = False
