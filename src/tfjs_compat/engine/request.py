"""The request of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tfjs_compat.environments.environment import DEFAULT_LAYOUT, Layout
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.history import KEPT_RUNS
from tfjs_compat.system.store import Store
from tfjs_compat.trials.fork_server import can_fork


@dataclass(frozen=True)
class RunRequest:
    """What to run and how: the options of ``run`` as one value.

    ``matrix`` is a file, the name of a shipped matrix, or None for [tool.tfjs-compat] of ./pyproject.toml; where there
    is none, ``plain`` if the request says what to run, else the seed. ``axes``, ``models``, ``routes`` replace the
    file's; ``only`` are shell patterns for the cases that count. ``try_remedies``: run the remedies of what fails.
    ``explain``: explain what fails unexpectedly, once for each cause, as far as ``budget`` allows. ``lock``: a lock
    file that decides the packages of every case.
    ``baseline``: an earlier run to compare with, an output folder or a results.json.
    ``retries``: how often a case is run again that the machinery failed or that ends unlike before. ``budget``: seconds
    after which the run stops, whatever was not run. ``keep_runs``: how many runs stay in OUTPUT/runs.
    ``jobs`` None: by cores and free memory; ``executor`` is where they run (see engine/executor.py); ``seconds`` is the
    time limit of a case, in place of the matrix's. ``shard`` (``2/3``) is the part of the plan to run, ``plan`` the
    shared plan that it is a part of (see engine/shards.py). ``allow_network``, ``allow_write``
    (folders) and ``trust_model`` add to the permissions of the matrix.
    """

    matrix: str | None = None
    axes: dict[str, list[str]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    until: Stage | None = None
    output: Path = Path(".tfjs-compat")
    baseline: Path | None = None
    retries: int = 0
    budget: float | None = None
    keep_runs: int = KEPT_RUNS
    jobs: int | None = None
    fresh: bool = False
    source_builds: bool = False
    runtime: Literal["node", "browser"] = "node"
    node: str = "wheel"
    inputs: Path | None = None
    seconds: float | None = None
    try_remedies: bool = False
    explain: bool = False
    lock: Path | None = None
    shard: str | None = None
    plan: Path | None = None
    executor: str = "threads"
    isolation: Literal["fork", "process"] = field(default_factory=lambda: "fork" if can_fork() else "process")
    layout: Layout = DEFAULT_LAYOUT
    allow_network: bool = False
    allow_write: tuple[Path, ...] = ()
    trust_model: bool = False
    store: Store = field(default_factory=Store)

    def permissions(self, of_matrix: Permissions = Permissions()) -> Permissions:
        """What the models of this run may do: what the matrix says, and what the request adds."""
        write = [str(folder.absolute()) for folder in self.allow_write]
        return of_matrix.with_more(network=self.allow_network, write=write, trust_all=self.trust_model)

    @property
    def says_what_to_run(self) -> bool:
        """Whether anything is put in place of what the matrix says: models, routes, values of an axis."""
        return bool(any(self.axes.values()) or self.models or self.routes)

    @property
    def asks_for_all(self) -> bool:
        """Whether the matrix is taken as it stands, with nothing replaced or left away."""
        return not (self.says_what_to_run or self.only)
