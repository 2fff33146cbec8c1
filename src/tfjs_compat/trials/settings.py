"""What is the same for every case of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tfjs_compat.environments.environment import DEFAULT_LAYOUT, Layout
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.context import Context
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime


@dataclass(frozen=True, kw_only=True)
class Settings(Context):
    """The context of a run's cases, and what all of them have in common.

    ``until``: the last stage. ``web``: what runs TensorFlow.js, None where no case comes so far. ``inputs``: a file of
    arrays (npz) for all models. ``isolation``: whether cases share an import, each in a fork of it, or start a Python
    each. ``fresh``: outcomes that are kept do not count. ``sample``: Python's predictions are taken (False: the case
    ends before anything is compared). ``layout``: how environments hold their packages. ``permissions``: what the
    processes that build and convert models may do.
    """

    until: Stage
    web: TfjsRuntime | None
    inputs: Path | None = None
    isolation: Literal["fork", "process"] = "process"
    fresh: bool = False
    sample: bool = True
    layout: Layout = DEFAULT_LAYOUT
    permissions: Permissions = field(default_factory=Permissions)
