"""An environment's cases in a fork server and in processes of their own, and what may happen to either.

The packages are modules of a few lines; all else is real: the server, its forks, their guards.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from support.trials import NAP, UNCONFINED, Trials, is_error, works

from tfjs_compat.diagnosis.diagnose import verdict_of
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.system.process import Limits
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers fork where that was measured to be sound")

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

def leaves_and_hangs():
    leaves_a_daemon()
    hangs()

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


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[Trials]:
    trials = Trials(tmp_path, BUILDERS)
    yield trials
    if trials.session is not None:
        trials.session.close()
    assert trials.left() == []


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
        trials = Trials(tmp_path / python.minor, BUILDERS, python.executable)
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
    trials.permissions = UNCONFINED
    assert works(trials("kills_its_parent_once"))
    # The second run makes it as the first one did, and could not if it stood there.
    assert (trials.case_folder / "artifact").is_dir()


def test_a_case_that_kills_whatever_runs_it_is_an_error(trials: Trials) -> None:
    trials.permissions = UNCONFINED
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


def test_an_interrupted_case_leaves_its_server(trials: Trials) -> None:
    with pytest.raises(Interrupted):
        trials.while_it_runs("leaves_and_hangs", lambda _: trials.stop.set())
    assert NAP not in str(trials.left())
    trials.stop.clear()
    assert trials.session is not None
    trials.session.resume(trials.settings)
    assert works(trials("good"))
    assert trials.imports == 1


def test_a_server_that_read_what_changed_is_replaced(trials: Trials) -> None:
    settings = trials.seen / "settings"
    settings.write_text("1")
    trials.on_import(f"open({str(settings)!r}).read()")
    assert works(trials("good"))
    assert trials.session is not None
    trials.session.resume(trials.settings)
    assert works(trials("good"))
    assert trials.imports == 1
    settings.write_text("2")
    trials.session.resume(trials.settings)
    assert works(trials("good"))
    assert trials.imports == 2


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
