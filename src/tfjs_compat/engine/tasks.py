"""Work as values: what crosses from the coordinator to a worker and back. Plain data, JSON-able both ways."""

from __future__ import annotations

from typing import Literal

import msgspec

from tfjs_compat.environments.environment import Layout
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import trial_id
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.limits import Limits


class TrialOptions(msgspec.Struct, frozen=True):
    """How each trial of a run is run.

    ``seconds`` and the bytes of ``memory``, ``output`` and ``disk`` limit one; ``runtime`` loads the result, with the
    Node that ``node`` names; ``inputs`` is the path of a .npz file. ``fresh``: nothing that is kept is used.
    ``store`` is the folder of the store.
    """

    store: str
    until: Stage
    seconds: float
    memory: int | None
    output: int
    disk: int | None = None
    runtime: Literal["node", "browser"] = "node"
    node: str = "wheel"
    inputs: str | None = None
    isolation: Literal["fork", "process"] = "process"
    fresh: bool = False
    layout: Layout = "linked"
    permissions: Permissions = Permissions()

    @property
    def limits(self) -> Limits:
        """The limits of one trial."""
        return Limits(seconds=self.seconds, memory=self.memory, output=self.output, disk=self.disk)


class Trial(msgspec.Struct, frozen=True):
    """A case to run in the task's lock, with the process variables that its ``process_env`` stands for."""

    case: Case
    variables: dict[str, str]

    def folder(self, lock_id: str) -> str:
        """Where its files are, below the output folder."""
        return f"cases/{trial_id(self.case.id, lock_id)}"


class Task(msgspec.Struct, frozen=True):
    """One environment and trials to run in it, one after another.

    ``run`` names the run it belongs to, ``output`` is the run's output folder.
    """

    run: str
    output: str
    lock: Lock
    python: Interpreter
    trials: tuple[Trial, ...]
    options: TrialOptions


class TrialResult(msgspec.Struct, frozen=True):
    """What one trial did. ``seconds`` is what it took in all; None where it was not run to its own end."""

    case: str
    lock: str
    outcome: Outcome
    seconds: float | None = None


class TaskResult(msgspec.Struct, frozen=True):
    """The trials of a task that ended; ``interrupted`` where others did not, because the run was stopped. ``notes``:
    what a machine of a cluster went without, and why."""

    results: tuple[TrialResult, ...]
    interrupted: bool = False
    notes: tuple[str, ...] = ()


class HandedIn(msgspec.Struct, frozen=True):
    """A result that lies in the output folder until the coordinator of ``run`` takes it."""

    run: str
    result: TrialResult


TASKS, TASK_RESULTS, HANDED_IN = Reader[Task](Task), Reader[TaskResult](TaskResult), Reader[HandedIn](HandedIn)
