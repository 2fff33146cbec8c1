"""Builders that do what no builder should, beside one that does: in one run, over one environment.

And what may happen to the run itself: Ctrl-C, kill -9, a full disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tfjs_compat.cli.exit_codes import of_results
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results

pytestmark = pytest.mark.real

BUILDERS = """
import ctypes, os, signal, subprocess, sys, time

from tensorflow import keras


def good():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(2)])
    for weight in model.weights:
        weight.assign(keras.initializers.RandomNormal(stddev=1.0, seed=7)(weight.shape))
    return model


def raises():
    try:
        open("/nowhere/weights.npz")
    except OSError as error:
        raise RuntimeError("the weights of dense_12 are gone: \\x1b[31mred\\udcff") from error


def an_int():
    return 7


def nothing():
    good()


def prints_a_megabyte():
    print("y" * 1_000_000)
    return good()


def prints_a_gigabyte():
    block = b"y" * (1 << 20)
    for _ in range(1000):
        os.write(1, block)
    return good()


def prints_without_end():
    block = b"y" * (1 << 20)
    while True:
        os.write(2, block)


def leaves_with_3():
    print("last words", flush=True)
    os._exit(3)


def leaves_with_0():
    os._exit(0)


def sys_exit_0():
    sys.exit(0)


def sleeps():
    time.sleep(3600)


def crashes():
    ctypes.string_at(0)


def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(2)
    return good()


def kills_its_server_once():
    once = os.path.join(os.path.dirname(__file__), "once")
    if not os.path.exists(once):
        open(once, "w").close()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(20)
    return good()


def allocates():
    kept = []
    while True:
        kept.append(b"x" * 50_000_000)


def forks_daemons():
    command = [sys.executable, "-I", "-c", "import time; time.sleep(7654)"]
    subprocess.Popen(command)
    subprocess.Popen(command, start_new_session=True, env={})
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(command[0], command)
            os._exit(0)
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, 100)
        time.sleep(7654)
    return good()


def writes_to_its_folder():
    for name in ("inputs", "artifact", "saved_model", "model.h5", "outputs"):
        open(name, "w").write("in the way")
    os.symlink("/", "everything")
    os.mkfifo("pipe")
    return good()


def writes_to_the_record():
    open("record.jsonl", "wb").write(b"[" * 300_000 + b"\\n\\xff\\n")
    return good()


def goes_elsewhere():
    os.chdir("/")
    return good()


def spoils_the_environment():
    os.environ.clear()
    os.environ.update(PATH="", TF_USE_LEGACY_KERAS="1", PYTHONHOME="/nowhere", HOME="/nowhere", TMPDIR="/nowhere")
    sys.path.clear()
    sys.argv.clear()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return good()


def closes_the_streams():
    sys.stdout.close()
    sys.stderr.close()
    return good()


def good_again():
    return good()
"""

# Daemons are known by how long they sleep; other runs of these tests have theirs.
NAP = str(100_000 + os.getpid())
BUILDERS = BUILDERS.replace("7654", NAP)
MATRIX = """
models = [{models}]
routes = ["layers"]

[axes]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
as_of = [2024-04-10]

[permissions]
confined = false
[limits]
seconds = 25
memory = 1.6
"""
NAMES = [line[4:].partition("(")[0] for line in BUILDERS.splitlines() if line.startswith("def ")]
SECRET = "hush-" + "0123456789"


def matrix(*builders: str) -> str:
    return MATRIX.format(models=", ".join(f'"broken.py:{name}"' for name in builders))


def left_running() -> list[list[str]]:
    """The command lines of processes that a case may have left."""
    found = []
    for process in psutil.process_iter():
        try:
            if NAP in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


@dataclass
class Faults:
    """A run over the builders above, and where its files are."""

    results: Results
    output: Path


@pytest.fixture(scope="module")
def faults(run_matrix: Callable[..., Results], tmp_path_factory: pytest.TempPathFactory) -> Faults:
    output = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_TOKEN", SECRET)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        results = run_matrix(
            matrix(*NAMES), {"broken.py": BUILDERS}, output=output, jobs=2, fresh=True, isolation="fork"
        )
    assert [found.model for found in results.cases] == [f"broken.py:{name}" for name in NAMES]
    return Faults(results, output)


def case(faults: Faults, name: str) -> CaseResult:
    for found in faults.results.cases:
        if found.model == f"broken.py:{name}":
            return found
    raise KeyError(name)


@pytest.mark.parametrize(
    "name",
    [
        "good",
        "good_again",
        "prints_a_megabyte",
        "prints_a_gigabyte",
        "forks_daemons",
        "goes_elsewhere",
        "spoils_the_environment",
        "writes_to_the_record",
        # It is run again where nobody kills it.
        "kills_its_server_once",
    ],
)
def test_what_does_no_harm_works(faults: Faults, name: str) -> None:
    found = case(faults, name)
    assert (found.verdict, found.stage, found.message) == (Verdict.WORKS, Stage.PREDICT, "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "RuntimeError: the weights of dense_12 are gone"),
        ("an_int", "an_int() returned a int, not a Keras model"),
        ("nothing", "nothing() returned nothing (None), not a Keras model"),
        ("leaves_with_3", "the case ended with exit code 3, without an exception, during build"),
        ("leaves_with_0", "the case ended with exit code 0, without an exception, during build"),
        ("sys_exit_0", "SystemExit: 0"),
        ("sleeps", "the case was stopped: over its time limit of 25 s during build"),
        ("prints_without_end", "the case was stopped: over its output limit of 1024 MiB during build"),
        ("allocates", "the case was stopped: over its memory limit of 1.6 GiB during build"),
        ("crashes", "the case was ended by signal SIGSEGV during build"),
    ],
)
def test_what_fails_fails_at_its_stage_for_its_reason(faults: Faults, name: str, message: str) -> None:
    found = case(faults, name)
    assert (found.verdict, found.stage) == (Verdict.FAILS, Stage.BUILD)
    assert message in found.message
    assert found.issue == ("builder-returned-no-model" if "not a Keras model" in message else None)
    assert found.signature


@pytest.mark.parametrize("name", ["is_killed", "kills_its_parent"])
def test_a_kill_from_outside_is_no_failure(faults: Faults, name: str) -> None:
    found = case(faults, name)
    assert (found.verdict, found.stage) == (Verdict.ERROR, Stage.BUILD)
    assert found.message == "the case was killed by SIGKILL (possibly out of memory) during build"
    assert (found.signature, found.issue) == (None, None)


def test_a_run_with_kills_exits_with_3(faults: Faults) -> None:
    assert of_results(faults.results) == 3


def test_what_was_killed_is_not_kept(run_matrix: Callable[..., Results], faults: Faults) -> None:
    names = ["is_killed", "kills_its_parent", "kills_its_server_once", "an_int", "sleeps"]
    again = run_matrix(matrix(*names), {"broken.py": BUILDERS, "once": ""}, isolation="fork")
    assert {found.model.partition(":")[2] for found in again.cases if found.cached} == {
        "kills_its_server_once",
        "an_int",
    }
    assert of_results(again) == 3


@pytest.mark.parametrize("name", ["writes_to_its_folder", "closes_the_streams"])
def test_sabotage_is_not_called_working(faults: Faults, name: str) -> None:
    assert case(faults, name).verdict in (Verdict.FAILS, Verdict.ERROR)


def test_only_the_kills_are_the_machines_fault(faults: Faults) -> None:
    errors = {found.model.partition(":")[2] for found in faults.results.cases if found.verdict is Verdict.ERROR}
    assert errors <= {"is_killed", "kills_its_parent"}


def test_nothing_is_left_running(faults: Faults) -> None:
    assert left_running() == []


def test_a_flood_leaves_a_small_log(faults: Faults) -> None:
    for name in ("prints_a_gigabyte", "prints_without_end"):
        found = case(faults, name)
        log = faults.output / str(found.log)
        assert "bytes of output left out" in log.read_text("utf-8", "replace")
        assert log.stat().st_size < 6 << 20


def test_last_words_are_kept(faults: Faults) -> None:
    assert "last words" in (faults.output / str(case(faults, "leaves_with_3").log)).read_text("utf-8")


def test_results_are_what_a_script_can_read(faults: Faults) -> None:
    read = json.loads((faults.output / "results.json").read_text("utf-8"))
    assert [found["verdict"] for found in read["cases"]] == [str(found.verdict) for found in faults.results.cases]


def test_no_secret_of_the_caller_is_in_any_file(faults: Faults) -> None:
    files = [path for path in faults.output.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 20
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_python_for_each_case_comes_to_the_same(run_matrix: Callable[..., Results], faults: Faults) -> None:
    names = ["good", "raises", "leaves_with_0", "forks_daemons", "crashes", "goes_elsewhere", "is_killed"]
    alone = run_matrix(matrix(*names), {"broken.py": BUILDERS}, jobs=2, fresh=True, isolation="process")
    for found in alone.cases:
        forked = case(faults, found.model.partition(":")[2])
        assert (found.verdict, found.stage, found.message) == (forked.verdict, forked.stage, forked.message)
        assert (found.issue, found.signature) == (forked.issue, forked.signature)
        assert found.keras_in_use == forked.keras_in_use
    assert left_running() == []
