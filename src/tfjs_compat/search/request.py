"""What a search looks for, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.matrix.axes import TODAY
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.search.preference import Prefer


@dataclass(frozen=True)
class SearchRequest:
    """What to look for, and within which limits.

    ``require``: requirements such as ``tensorflow>=2.19``; ``wanted``: packages that must be there (and be real);
    ``source``: a requirements file, a uv.lock or ``active``: what the user has; ``repair``: whether artifacts may be
    repaired. ``until`` is the stage that has to be reached; ``how`` says how cases run.
    """

    model: str
    require: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    as_of: str = TODAY
    source: str | None = None
    prefer: Prefer = "newest"
    repair: bool = True
    exhaustive: bool = False
    max_trials: int | None = None
    seconds: float | None = None
    until: Stage = Stage.PREDICT
    how: RunRequest = field(default_factory=RunRequest)
