"""An environment, ready for cases one after another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfjs_compat.environments.environment import Environment
from tfjs_compat.errors import MachineryError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.child_files import make_empty, read_child_file
from tfjs_compat.system.files import disk_errors, remove_tree, write_whole
from tfjs_compat.system.process import ExitStatus
from tfjs_compat.system.store import Store
from tfjs_compat.trials.fork_server import Server, ServerDiedError
from tfjs_compat.trials.job import GIVEN
from tfjs_compat.trials.record import TAMPERED
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.touched import opened_paths, state_of, states_of

_WORKER = Path(__file__).parents[1] / "inside" / "worker.py"
_THREADS = (
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
"""One each: as many cases run as there are cores, and a sum that is split by cores depends on their number."""

_PYTHON_OPTIONS = ("-I", "-B")
"""Isolated; and no bytecode is written, for packages are shared by environments and compiled when they are unpacked."""

_KERAS_SETTINGS = b"""{
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last"
}"""
_MOST_LOG = 6 << 20
_MOST_STOPPED_IMPORTS = 2
"""Servers that may pass a limit while they import, each for a case of its own, before no other case is tried."""


def _events(folder: Path) -> list[dict[str, Any]]:
    """The events of a case's record, after the one that was given to it."""
    events = read_record(folder / "record.jsonl")
    if events[:1] == [{"event": GIVEN}]:
        return events[1:]
    return [{"event": TAMPERED}, *events]


def keras_home(store: Store) -> Path:
    """Where Keras keeps what models download, and its settings: those that it writes itself where there are none.

    Written again each time: a model that may use the network may write there. Raises MachineryError.
    """
    folder = store.folder("keras")
    if not store.read_only:
        # Keras makes them before it looks whether it has to download anything.
        for name in ("models", "datasets"):
            store.folder("keras", name)
    if not store.read_only and read_child_file(folder / "keras.json", 1 << 16) != _KERAS_SETTINGS:
        make_empty(folder / "keras.json")
        write_whole(folder / "keras.json", _KERAS_SETTINGS, lasting=False)
    return folder


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
        self._stopped_imports: list[ExitStatus] = []
        self._at_import: dict[str, str] = {}

    @property
    def is_warm(self) -> bool:
        """Whether a server waits for the next case, or will when it has imported."""
        return self._server is not None and self._server.is_usable

    def runs_in(self, environment: Environment, variables: Mapping[str, str]) -> bool:
        """Whether its cases run in this very environment, with these process variables."""
        return self.environment == environment and dict(self.variables) == dict(variables)

    def resume(self, settings: Settings) -> None:
        """Go on in another run, with its settings; with a new server where this one cannot run cases.

        Nor can one that read files of the user's while it imported (settings of packages) that have changed since.
        """
        self._settings = settings
        self._stopped_imports.clear()
        if not self.is_warm or any(state_of(path) != state for path, state in self._at_import.items()):
            self.close()

    def run(self, folder: Path) -> tuple[list[dict[str, Any]], ExitStatus]:
        """Run the job in ``folder``: its events and how it ended.

        Raises ServerDiedError where a fork server was killed, perhaps by this very case, which is then to be run again
        with ``run_alone``; MachineryError, Interrupted.
        """
        if self._settings.isolation != "fork":
            return self.run_alone(folder)
        try:
            return self._run_in_fork(folder)
        except ServerDiedError:
            self.close()
            raise

    def run_alone(self, folder: Path) -> tuple[list[dict[str, Any]], ExitStatus]:
        """Run the job in ``folder`` in a process of its own. Gives and raises as ``run`` does."""
        ended = process.run(
            [str(self.environment.executable), *_PYTHON_OPTIONS, str(_WORKER), str(folder / "job.json")],
            env=self._child_environment(folder),
            cwd=folder,
            log=folder / "log.txt",
            limits=self._settings.limits,
            stop=self._settings.stop,
        )
        return _events(folder), ended

    def _run_in_fork(self, folder: Path) -> tuple[list[dict[str, Any]], ExitStatus]:
        server = self._usable_server()
        settings = self._settings
        if not server.wait_ready(settings.limits, settings.stop):
            write_whole(folder / "log.txt", read_child_file(server.log, _MOST_LOG, tail=True), lasting=False)
            events, ended = read_record(server.record), server.ended
            assert ended is not None
            if ended.limit_exceeded is not None:
                # It was this case's limit, and may not be the next one's.
                self._stopped_imports.append(ended)
                self.close()
            if ended.starved and len(self._stopped_imports) < _MOST_STOPPED_IMPORTS:
                return self._run_in_fork(folder)
            return events, ended
        imported = read_record(server.record)
        if server.cases == 0:
            self._at_import = states_of(opened_paths(imported))
        environment, log = self._child_environment(folder), folder / "log.txt"
        ended = server.run(folder / "job.json", environment, log, settings.limits, settings.stop)
        if server.cases > 1:
            # The import was the first case's; the others need to know of it, not to be billed for it.
            imported = [{**event, "seconds": 0.0} if "seconds" in event else event for event in imported]
        events = _events(folder)
        if not events and not ended.ok and ended.limit_exceeded is None and ended.exit_code >= 0:
            # What begins a case is ours, and comes before anything of the model.
            printed = read_child_file(server.log, _MOST_LOG, tail=True).strip() or b"it printed nothing"
            last = printed.splitlines()[-1].decode("utf-8", "replace")
            raise MachineryError(f"the case did not begin: its process {ended.describe()}: {last}")
        return [*imported, *events], ended

    def _usable_server(self) -> Server:
        """The server, started if there is none. What failed to import is one too: it fails for each case."""
        if self._server is not None and self._server.is_closed:
            self.close()
        if self._server is None:
            if len(self._stopped_imports) >= _MOST_STOPPED_IMPORTS:
                last = self._stopped_imports[-1].describe()
                raise MachineryError(f"not run: the import, tried {_MOST_STOPPED_IMPORTS} times, {last}")
            self._server = self._start()
        return self._server

    def _start(self) -> Server:
        remove_tree(self._scratch)
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True)
        command = [str(self.environment.executable), *_PYTHON_OPTIONS]
        return Server(command, self._child_environment(self._scratch), self._scratch)

    def close(self) -> None:
        """End the server, if there is one, and remove what it needed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        remove_tree(self._scratch)

    def _child_environment(self, folder: Path) -> dict[str, str]:
        scrubbed = clean_environment(folder / "home")
        keras = keras_home(self._settings.store)
        with contextlib.suppress(OSError):
            # Keras 2 goes by HOME, and to /tmp where it finds nothing there.
            (folder / "home" / ".keras").symlink_to(keras)
        own = {
            "PATH": os.pathsep.join([str(self.environment.bin), scrubbed["PATH"]]),
            "VIRTUAL_ENV": str(self.environment.root / "venv"),
            "KERAS_HOME": str(keras),
            # For children that a case starts.
            "PYTHONDONTWRITEBYTECODE": "1",
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "1",
            **dict.fromkeys(_THREADS, "1"),
        }
        return {**scrubbed, **own, **self.variables}
