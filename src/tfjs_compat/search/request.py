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

    ``model`` is a reference as the command line takes it. ``require``: requirements such as ``tensorflow>=2.19``, which
    are limits; ``required_packages``: packages that must be there, and be real; ``installed_from``: what the user has:
    a requirements file, a uv.lock or ``active``. ``python`` and ``routes`` are the only ones to take, where any are
    given. ``repair``: whether artifacts may be repaired; ``rewrite``: whether models may be rewritten. ``exhaustive``:
    try also what is certain to fail or no better. ``max_trials``: how many cases may be run; ``seconds``: how long the
    search may take. ``until`` is the stage that has to be reached; ``run_options`` says how cases run, and where the
    output goes.
    """

    model: str
    require: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    required_packages: tuple[str, ...] = ()
    as_of: str = TODAY
    installed_from: str | None = None
    prefer: Prefer = "newest"
    repair: bool = True
    rewrite: bool = True
    exhaustive: bool = False
    max_trials: int | None = None
    seconds: float | None = None
    until: Stage = Stage.PREDICT
    run_options: RunRequest = field(default_factory=RunRequest)
