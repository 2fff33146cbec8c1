"""An environment's cases in a fork server and in processes of their own, and what may happen to either.

The packages are modules of a few lines; all else is real: the server, its forks, their guards.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import psutil
import pytest
from support.children import wait_for
from support.samples import combination

from tfjs_compat.diagnosis.diagnose import verdict_of
from tfjs_compat.engine import cache
from tfjs_compat.environments.environment import Environment
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import find_model
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Silent
from tfjs_compat.system.store import Store
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.trial import convert_case

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers fork where that was measured to be sound")

TENSORFLOW = """
import os
exec(open(os.environ["ON_IMPORT"]).read())
class keras:
    class Model: pass
    __version__ = "2.15.0"
class Module: pass
class random:
    set_seed = int
"""
BUILDERS = """
import os, signal, subprocess, sys, time
import tensorflow as tf

def good():
    return tf.keras.Model()

def is_slow():
    open(os.path.join(os.environ["SEEN"], "began"), "w").write(str(os.getpid()))
    time.sleep(1)
    return tf.keras.Model()

def hangs():
    open(os.path.join(os.environ["SEEN"], "began"), "w").write(str(os.getpid()))
    time.sleep(8642)

def leaves_a_daemon():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(8642)"], start_new_session=True, env={})
    return tf.keras.Model()

def hangs_beside_a_daemon():
    leaves_a_daemon()
    time.sleep(8642)

def kills_its_parent_once():
    once = os.path.join(os.environ["SEEN"], "once")
    open("left by the first", "w").close()
    os.mkdir("artifact")
    if not os.path.exists(once):
        open(once, "w").close()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(8642)
    return tf.keras.Model()

def kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(8642)

def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)

def is_interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(8642)

def is_terminated():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(8642)

def computes():
    open(os.path.join(os.environ["SEEN"], "began"), "w").write(str(os.getpid()))
    while True: pass

def prints_and_hangs():
    print("x", flush=True)
    time.sleep(8642)

def hangs_beside_a_large_daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            kept = b"x" * 300_000_000
            time.sleep(8642)
        os._exit(0)
    time.sleep(8642)

def crashes():
    os.kill(os.getpid(), signal.SIGSEGV)

def raises():
    raise ValueError("as always")
"""
# What is left running is known by how long it sleeps; other runs of these tests have times of their own.
NAP = str(200_000 + os.getpid())
# A Python that finds our modules, and takes the worker's options as the real one does.
PYTHON = """#!/bin/sh
[ "$1" = -I ] && shift
exec {python} -c 'import runpy, sys; sys.path.insert(0, "{modules}"); del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""
KILL_ONCE = """
import os, signal
if not os.path.exists(os.environ["SEEN"] + "/imported"):
    open(os.environ["SEEN"] + "/imported", "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
"""
CROWD_ONCE = """
if os.path.getsize(os.environ["SEEN"] + "/imports") == 1:
    os.sched_setaffinity(0, {{{0}}})
    while True: pass
"""
COUNT = """
import os, time
with open(os.environ["SEEN"] + "/imports", "a") as file: file.write("x")
"""


class Trials:
    """Runs builders, one after another, in one session of an environment; each comes to an outcome."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder, self.seen = folder, folder / "seen"
        modules, venv = folder / "modules", folder / "environment" / "venv" / "bin"
        for made in (modules, venv, self.seen):
            made.mkdir(parents=True)
        (modules / "tensorflow.py").write_text(TENSORFLOW)
        (modules / "tensorflowjs.py").write_text("")
        (modules / "numpy.py").write_text("class random:\n    seed = int\nfloat32 = bool\n")
        (venv / "python").write_text(PYTHON.format(python=python, modules=modules))
        (venv / "python").chmod(0o755)
        (folder / "model.py").write_text(BUILDERS.replace("8642", NAP))
        self.on_import("")
        self.lock = Lock("a" * 16, PythonBuild("3.11.0", "linux-x86_64"), {}, False, "# nothing\n")
        self.steps: list[str] = []
        self.session: EnvironmentSession | None = None
        self.isolation: Literal["fork", "process"] = "fork"
        self.limits = Limits(seconds=30)
        self.stop = threading.Event()

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
        progress.say = lambda _, now: self.steps.append(now)  # type: ignore[method-assign]
        return Settings(
            store=Store(self.folder / "store"),
            until=Stage.BUILD,
            limits=self.limits,
            web=None,
            stop=self.stop,
            progress=progress,
            isolation=self.isolation,
        )

    def __call__(self, builder: str) -> Outcome:
        if self.session is None:
            root = self.folder / "environment"
            environment = Environment(self.lock.id, root, self.lock.python, "", {}, 0.0)
            variables = {"ON_IMPORT": str(self.folder / "on_import.py"), "SEEN": str(self.seen)}
            self.session = EnvironmentSession(environment, self.lock, variables, self.folder / "server", self.settings)
        model = find_model(f"{self.folder / 'model.py'}:{builder}", self.folder)
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


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[Trials]:
    trials = Trials(tmp_path)
    yield trials
    if trials.session is not None:
        trials.session.close()
    assert trials.left() == []


def works(outcome: Outcome) -> bool:
    return (outcome.stage, outcome.failure, outcome.machinery) == (Stage.BUILD, None, None)


def is_error(trials: Trials, outcome: Outcome, message: str) -> bool:
    """Whether an outcome is the machinery's, says so, and is not kept."""
    assert verdict_of(outcome) is Verdict.ERROR
    assert message in str(outcome.machinery)
    assert not trials.kept(outcome)
    return True


# ------------------------------------------------------------------------------------------------- killed from outside

SIGNALS = {
    "is_killed": "the case was killed by SIGKILL (possibly out of memory) during build",
    "is_terminated": "the case was killed by SIGTERM during build",
    "is_interrupted": "the case was killed by SIGINT during build",
}


@pytest.mark.parametrize("isolation", ["fork", "process"])
@pytest.mark.parametrize("builder", list(SIGNALS))
def test_a_killed_case_is_no_failure(trials: Trials, builder: str, isolation: Literal["fork", "process"]) -> None:
    trials.isolation = isolation
    assert is_error(trials, trials(builder), SIGNALS[builder])
    assert works(trials("good"))


def test_cases_are_forked_from_every_python(tmp_path: Path) -> None:
    found = find_interpreters(Store(tmp_path / "store"))
    assert found
    for python in {interpreter.minor: interpreter for interpreter in found}.values():
        trials = Trials(tmp_path / python.minor, python.executable)
        trials.on_import("import asyncio\n")
        try:
            outcomes = [trials("good"), trials("raises"), trials("good")]
        finally:
            assert trials.session is not None
            trials.session.close()
        assert [works(outcome) for outcome in outcomes] == [True, False, True], python
        assert outcomes[1].failure is not None
        assert outcomes[1].failure.message == "ValueError: as always", python
        assert trials.imports == 1, python


def test_a_case_that_does_not_begin_is_no_failure(trials: Trials) -> None:
    trials.on_import("import os\ndef refuse(): raise OSError('no more sessions')\nos.setsid = refuse\n")
    with pytest.raises(MachineryError, match=r"the case did not begin.*no more sessions"):
        trials("good")


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_a_crash_is_a_failure(trials: Trials, isolation: Literal["fork", "process"]) -> None:
    trials.isolation = isolation
    outcome = trials("crashes")
    assert verdict_of(outcome) is Verdict.FAILS
    assert outcome.failure is not None
    assert outcome.failure.message == "the case was ended by signal SIGSEGV during build"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_server_killed_between_cases_costs_no_case(trials: Trials, number: signal.Signals) -> None:
    assert works(trials("good"))
    server = trials.server
    server.send_signal(number)
    server.wait(5)
    assert works(trials("is_slow"))
    assert works(trials("good"))
    assert trials.imports == 3


def test_a_case_whose_server_is_killed_is_run_again(trials: Trials) -> None:
    assert works(trials.while_it_runs("is_slow", lambda case: case.parent().kill()))  # type: ignore[union-attr]
    assert trials.steps == ["again, in a process of its own"]
    assert works(trials("good"))


def test_a_case_is_run_again_from_the_beginning(trials: Trials) -> None:
    assert works(trials("kills_its_parent_once"))
    # The second run makes it as the first one did, and could not if it stood there.
    assert (trials.case_folder / "artifact").is_dir()


def test_a_case_that_kills_whatever_runs_it_is_an_error(trials: Trials) -> None:
    assert is_error(trials, trials("kills_its_parent"), "killed by SIGKILL (possibly out of memory)")
    assert works(trials("good"))


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_a_killed_guard_is_no_failure(trials: Trials, isolation: Literal["fork", "process"]) -> None:
    trials.isolation = isolation
    if isolation == "process":
        outcome = trials.while_it_runs("hangs", lambda case: case.parent().kill())  # type: ignore[union-attr]
        assert is_error(trials, outcome, "killed by SIGKILL")
    else:
        # The server lives on without it, and ends with the session all the same.
        outcome = trials.while_it_runs("is_slow", lambda case: case.parent().parent().kill())  # type: ignore[union-attr]
        assert works(outcome)


def test_a_server_killed_while_it_imports_costs_no_case(trials: Trials) -> None:
    trials.on_import(KILL_ONCE)
    assert works(trials("good"))
    assert works(trials("is_slow"))
    assert trials.steps == ["again, in a process of its own"]


def test_an_import_that_is_always_killed_is_an_error(trials: Trials) -> None:
    trials.on_import("import signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert is_error(trials, trials("good"), "during import")
    trials.on_import("")
    assert works(trials("good"))


# ------------------------------------------------------------------------------------------------- what fails by itself


def test_an_import_that_fails_is_tried_once_for_all_cases(trials: Trials) -> None:
    trials.on_import("raise ImportError('no such symbol')")
    for builder in ("good", "raises"):
        outcome = trials(builder)
        assert verdict_of(outcome) is Verdict.FAILS
        assert outcome.failure is not None
        assert outcome.failure.message == "ImportError: no such symbol"
        assert trials.kept(outcome)
    assert trials.imports == 1


def test_an_exception_does_not_end_the_server(trials: Trials) -> None:
    for _ in range(2):
        outcome = trials("raises")
        assert outcome.failure is not None
        assert outcome.failure.message == "ValueError: as always"
    assert trials.imports == 1


# ---------------------------------------------------------------------------------------------------------- time limits


def test_a_time_limit_ends_its_own_case_only(trials: Trials) -> None:
    trials.limits = Limits(seconds=3.0)
    outcome = trials("hangs_beside_a_daemon")
    assert outcome.failure is not None
    assert outcome.failure.message == "the case was stopped: over its time limit of 3 s during build"
    assert outcome.limited
    assert outcome.seconds["build"] > 1.0
    assert not trials.kept(outcome)
    assert NAP not in str(trials.left())
    assert works(trials("good"))
    assert trials.imports == 1


def test_an_import_over_its_limit_is_one_cases_failure(trials: Trials) -> None:
    trials.limits = Limits(seconds=3.0)
    trials.on_import("time.sleep(8642)")
    outcome = trials("good")
    assert outcome.failure is not None
    assert outcome.failure.message == "the case was stopped: over its time limit of 3 s during import"
    assert outcome.limited
    assert outcome.seconds["import"] > 2.9
    trials.on_import("")
    assert works(trials("good"))
    assert works(trials("good"))
    assert trials.imports == 2


def test_after_two_imports_over_their_limit_no_case_is_blamed(trials: Trials) -> None:
    trials.limits = Limits(seconds=0.7)
    trials.on_import("time.sleep(8642)")
    assert [verdict_of(trials("good")) for _ in range(2)] == [Verdict.FAILS] * 2
    started = time.monotonic()
    with pytest.raises(MachineryError, match=r"not run: the import, tried 2 times, was stopped: over its time limit"):
        trials("good")
    assert time.monotonic() - started < 0.5
    assert trials.imports == 2


def test_an_import_that_had_no_processor_is_tried_again(trials: Trials) -> None:
    trials.limits = Limits(seconds=4)
    with crowded_processor() as processor:
        trials.on_import(CROWD_ONCE.format(processor))
        assert works(trials("good"))
    assert trials.imports == 2


@contextlib.contextmanager
def crowded_processor() -> Iterator[int]:
    """A processor of the machine with nine busy processes on it."""
    processor = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
    # Linux shares processors by session (sched_autogroup), not by process.
    others = [subprocess.Popen([sys.executable, "-c", code], start_new_session=True) for _ in range(9)]
    try:
        yield processor
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_a_case_that_had_no_processor_is_no_failure(trials: Trials, isolation: Literal["fork", "process"]) -> None:
    trials.isolation = isolation
    trials.limits = Limits(seconds=4)
    if isolation == "fork":
        assert works(trials("good"))
    with crowded_processor() as processor:
        outcome = trials.while_it_runs("computes", lambda case: os.sched_setaffinity(case.pid, {processor}))
    assert is_error(trials, outcome, "over its time limit of 4 s while the machine was overloaded")


# ------------------------------------------------------------------------------------------------------ nothing is left


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_a_daemon_ends_with_its_case(trials: Trials, isolation: Literal["fork", "process"]) -> None:
    trials.isolation = isolation
    assert works(trials("leaves_a_daemon"))
    assert NAP not in str(trials.left())


def test_the_memory_of_a_cases_daemon_counts(trials: Trials) -> None:
    trials.limits = Limits(seconds=20, memory=200 << 20)
    outcome = trials("hangs_beside_a_large_daemon")
    assert outcome.failure is not None
    assert "over its memory limit" in outcome.failure.message


def test_an_interrupt_ends_the_case_at_once(trials: Trials) -> None:
    started = time.monotonic()
    with pytest.raises(Interrupted):
        trials.while_it_runs("hangs", lambda _: trials.stop.set())
    assert time.monotonic() - started < 5
    assert NAP not in str(trials.left())


def test_a_log_that_cannot_be_written_ends_the_case(trials: Trials) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    assert works(trials("good"))
    assert trials.session is not None
    folder = trials.case_folder
    (folder / "log.txt").unlink()
    (folder / "log.txt").symlink_to("/dev/full")
    (folder / "job.json").write_text((folder / "job.json").read_text().replace('"good"', '"prints_and_hangs"'))
    with pytest.raises(MachineryError, match="no space left"):
        trials.session.run(folder)
    assert NAP not in str(trials.left())
    assert works(trials("good"))
