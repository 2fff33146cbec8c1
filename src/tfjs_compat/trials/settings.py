"""What is the same for every case of a run."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfjs_compat.environments.environment import DEFAULT_LAYOUT, Layout
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Progress
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime


@dataclass(frozen=True)
class Settings:
    """What is the same for every case of a run."""

    store: Store
    until: Stage
    limits: Limits
    web: TfjsRuntime | None
    stop: threading.Event
    progress: Progress
    inputs: Path | None = None
    isolation: Literal["fork", "process"] = "process"
    fresh: bool = False
    layout: Layout = DEFAULT_LAYOUT
