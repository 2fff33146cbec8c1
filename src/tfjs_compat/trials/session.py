"""An environment, ready for cases one after another."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfjs_compat.environments.environment import Environment
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.files import disk_errors, remove_tree
from tfjs_compat.system.process import ExitStatus
from tfjs_compat.trials.fork_server import Server, ServerDiedError
from tfjs_compat.trials.record import (
    read_events,
)
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.settings import Settings

_WORKER = Path(__file__).parents[1] / "inside" / "worker.py"
_THREADS = (
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
"""One each: as many cases run as there are cores, and a sum that is split by cores depends on their number."""


class EnvironmentSession:
    """An environment with one set of process variables, ready for cases one after another.

    With isolation by fork it holds a server that has imported TensorFlow, from the first case on.
    """

    def __init__(
        self, environment: Environment, lock: Lock, variables: Mapping[str, str], scratch: Path, settings: Settings
    ) -> None:
        self.environment, self.lock, self.variables = environment, lock, variables
        self._scratch, self._settings = scratch, settings
        self._server: Server | None = None

    def run(self, folder: Path) -> tuple[list[dict[str, Any]], ExitStatus]:
        """Run the job in ``folder``: its events and how it ended. Raises MachineryError, Interrupted."""
        if self._settings.isolation == "fork":
            with contextlib.suppress(ServerDiedError):
                return self._run_in_fork(folder)
            # Something killed the server, perhaps this very case: that case gets a process of its own.
            self.close()
            self._settings.progress.say(folder.name, "again, in a process of its own")
            (folder / "record.jsonl").unlink(missing_ok=True)
        ended = process.run(
            [str(self.environment.executable), "-I", str(_WORKER), str(folder / "job.json")],
            env=self._child_environment(folder),
            cwd=folder,
            log=folder / "log.txt",
            limits=self._settings.limits,
            stop=self._settings.stop,
        )
        return read_events(folder / "record.jsonl"), ended

    def _run_in_fork(self, folder: Path) -> tuple[list[dict[str, Any]], ExitStatus]:
        if self._server is None:
            self._server = self._start()
        server = self._server
        if not server.wait_ready():
            shutil.copy(server.log, folder / "log.txt")
            return read_record(server.record), server.ended or ExitStatus(-9, None, 0.0, 0)
        imported = read_record(server.record)
        ended = server.run(
            folder / "job.json", self._child_environment(folder), folder / "log.txt", self._settings.limits
        )
        if server.cases > 1:
            # The import was the first case's; the others need to know of it, not to be billed for it.
            imported = [{**event, "seconds": 0.0} if "seconds" in event else event for event in imported]
        return [*imported, *read_events(folder / "record.jsonl")], ended

    def _start(self) -> Server:
        remove_tree(self._scratch)
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True)
        command = [str(self.environment.executable), "-I"]
        settings = self._settings
        return Server(command, self._child_environment(self._scratch), self._scratch, settings.limits, settings.stop)

    def close(self) -> None:
        """End the server, if there is one, and remove what it needed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        remove_tree(self._scratch)

    def _child_environment(self, folder: Path) -> dict[str, str]:
        scrubbed = clean_environment(folder / "home")
        own = {
            "PATH": os.pathsep.join([str(self.environment.bin), scrubbed["PATH"]]),
            "VIRTUAL_ENV": str(self.environment.root / "venv"),
            "KERAS_HOME": str(self._settings.store.folder("keras")),
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "1",
            **dict.fromkeys(_THREADS, "1"),
        }
        return {**scrubbed, **own, **self.variables}
