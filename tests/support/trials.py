"""Builders run one after another in an environment whose packages are modules of a few lines; all else is real."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import psutil

from support.children import wait_for
from support.samples import combination
from tfjs_compat.diagnosis.diagnose import verdict_of
from tfjs_compat.engine import cache
from tfjs_compat.environments.environment import Environment
from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import find_model
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Silent
from tfjs_compat.system.store import Store
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.trial import convert_case

TENSORFLOW = """
import os
exec(open(os.environ["ON_IMPORT"]).read())
import keras
class Module: pass
class random:
    set_seed = int
"""
# What is left running is known by how long it sleeps; other runs of these tests have times of their own.
NAP = str(200_000 + os.getpid())
# A Python that finds our modules, and takes the worker's options as the real one does.
PYTHON = """#!/bin/sh
while [ "$1" = -I ] || [ "$1" = -B ]; do shift; done
exec {python} -c 'import runpy, sys; sys.path.insert(0, "{modules}"); del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""
COUNT = """
import os, time
with open(os.environ["SEEN"] + "/imports", "a") as file: file.write("x")
"""


UNCONFINED = Permissions(confined=False)


class Trials:
    """Runs builders, one after another, in one session of an environment; each comes to an outcome."""

    def __init__(self, folder: Path, builders: str, python: str = sys.executable) -> None:
        self.folder, self.seen = folder, folder / "seen"
        modules, venv = folder / "modules", folder / "environment" / "venv" / "bin"
        self.linked = venv.parent / "lib" / "python3" / "site-packages" / "whole-1.0.dist-info"
        for made in (modules, venv, self.linked.parent, self.seen, folder / "model"):
            made.mkdir(parents=True)
        (modules / "tensorflow.py").write_text(TENSORFLOW)
        (modules / "keras.py").write_text("class Model: pass\n__version__ = '2.15.0'\n")
        (modules / "tensorflowjs.py").write_text("")
        (modules / "numpy.py").write_text("class random:\n    seed = int\nfloat32 = bool\n")
        (venv / "python").write_text(PYTHON.format(python=python, modules=modules))
        (venv / "python").chmod(0o755)
        (folder / "model" / "model.py").write_text(builders.replace("8642", NAP))
        self.on_import("")
        self.lock = Lock("a" * 16, PythonBuild("3.11.0", "linux-x86_64"), {}, False, "# nothing\n")
        self.steps: list[str] = []
        self.session: EnvironmentSession | None = None
        self.isolation: Literal["fork", "process"] = "fork"
        self.limits = Limits(seconds=30)
        self.stop = threading.Event()
        self.permissions = Permissions(write=(str(self.seen),))

    def on_import(self, code: str) -> None:
        """What importing tensorflow does from now on."""
        (self.folder / "on_import.py").write_text(COUNT + code.replace("8642", NAP))

    @property
    def imports(self) -> int:
        path = self.seen / "imports"
        return len(path.read_text()) if path.exists() else 0

    @property
    def settings(self) -> Settings:
        progress = Silent()
        progress.say = lambda _, now: self.steps.append(now) if isinstance(now, str) else None  # type: ignore[method-assign]
        return Settings(
            store=Store(self.folder / "store"),
            until=Stage.BUILD,
            limits=self.limits,
            web=None,
            stop=self.stop,
            progress=progress,
            isolation=self.isolation,
            permissions=self.permissions,
        )

    def __call__(self, builder: str) -> Outcome:
        if self.session is None:
            root = self.folder / "environment"
            # Nothing of the store is damaged: it has a wheel, which is whole.
            info = self.settings.store.folder("wheels", "whole", "whole-1.0.dist-info")
            (info / "RECORD").write_text("whole-1.0.dist-info/RECORD,,\n")
            if not self.linked.is_symlink():
                self.linked.symlink_to(info)
            environment = Environment(self.lock.id, root, self.lock.python, "", {}, 0.0, trees=("whole",))
            variables = {"ON_IMPORT": str(self.folder / "on_import.py"), "SEEN": str(self.seen)}
            self.session = EnvironmentSession(environment, self.lock, variables, self.folder / "server", self.settings)
        model = find_model(f"{self.folder / 'model' / 'model.py'}:{builder}", self.folder)
        case = Case(combination=combination(), model=model, route=find_route("layers"))
        self.case_folder = self.folder / "cases" / builder
        return convert_case(case, self.session, self.case_folder, self.settings)

    def kept(self, outcome: Outcome) -> bool:
        """Whether the outcome gets into the cache."""
        return cache.keep("0" * 32, outcome, self.case_folder, Store(self.folder / "store"))

    @property
    def server(self) -> psutil.Process:
        """The fork server, where no case runs."""
        (server,) = [
            process
            for process in psutil.process_iter()
            if "--serve" in (words := cmdline(process))
            and str(self.folder) in str(words)
            and "guard.py" not in str(words)
        ]
        return server

    def while_it_runs(self, builder: str, do: Callable[[psutil.Process], object]) -> Outcome:
        """Run a builder that says when it began, and do something with its process then."""

        def act() -> None:
            assert wait_for(lambda: (self.seen / "began").exists() and (self.seen / "began").read_text())
            do(psutil.Process(int((self.seen / "began").read_text())))

        thread = threading.Thread(target=act)
        thread.start()
        outcome = self(builder)
        thread.join()
        return outcome

    def left(self) -> list[list[str]]:
        """What runs of these trials, but for the server of the session."""
        found = [cmdline(process) for process in psutil.process_iter()]
        return [words for words in found if NAP in str(words) or str(self.folder) in str(words)]


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def works(outcome: Outcome) -> bool:
    return (outcome.stage, outcome.failure, outcome.machinery) == (Stage.BUILD, None, None)


def is_error(trials: Trials, outcome: Outcome, message: str) -> bool:
    """Whether an outcome is the machinery's, says so, and is not kept."""
    assert verdict_of(outcome) is Verdict.ERROR
    assert message in str(outcome.machinery)
    assert not trials.kept(outcome)
    return True
