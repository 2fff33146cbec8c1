"""What a worker's record and its end are read as, and a worker's own way of recording."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.diagnosis.diagnose import verdict_of
from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.failures import Lacking
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.rewriting import Rewriting, Rewrote
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.process import ExitStatus
from tfjs_compat.trials import trial
from tfjs_compat.trials.record import read_outcome, read_rewritable, read_rewriting, stage_now
from tfjs_compat.trials.runtimes.record import read_record

STAGES = ("import", "build", "serialize", "convert")
WELL = ExitStatus(0, None, 1.0, 0)
FAILED = ExitStatus(70, None, 1.0, 0)
STOPPED = ExitStatus(-9, "over its time limit of 5 s", 5.0, 0)

Events = list[dict[str, Any]]


def started(*names: str) -> Events:
    return [{"event": "stage", "stage": name, "status": "start"} for name in names]


def done(*names: str) -> Events:
    rows = [(status, name) for name in names for status in ("start", "done")]
    return [{"event": "stage", "stage": name, "status": status, "seconds": 0.5} for status, name in rows]


def failure(stage: str | None = "build", type: str = "ValueError", message: str = "no", **more: Any) -> Events:
    return [{"event": "failure", "stage": stage, "chain": [{"type": type, "message": message, **more}]}]


def read(events: Events, ended: ExitStatus, log: str = "", until: Stage = Stage.CONVERT) -> Outcome:
    return read_outcome(events, ended, log, until)


# --------------------------------------------------------------------------------------------------------- as it goes


def test_a_case_that_came_to_its_end() -> None:
    outcome = read([*done(*STAGES), {"event": "done"}], WELL)
    assert (outcome.stage, outcome.failure, outcome.machinery) == (Stage.CONVERT, None, None)
    assert outcome.seconds == dict.fromkeys(STAGES, 0.5)


@pytest.mark.parametrize("stage", STAGES)
def test_an_exception(stage: str) -> None:
    before = STAGES[: STAGES.index(stage)]
    chain = [{"type": "RuntimeError", "message": "outer"}, {"type": "KeyError", "message": "'x'", "link": "cause"}]
    events = [*done(*before), *started(stage), {"event": "failure", "stage": stage, "chain": chain}]
    outcome = read(events, FAILED, log="the log's end")
    assert outcome.failure is not None
    assert (str(outcome.stage), str(outcome.failure.stage)) == (stage, stage)
    assert outcome.failure.message == "RuntimeError: outer"
    assert outcome.failure.root is not None
    assert outcome.failure.root.type == "KeyError"
    assert outcome.failure.text == "the log's end"
    assert set(outcome.seconds) == set(before)
    assert verdict_of(outcome) is Verdict.FAILS


def test_an_exception_without_a_message() -> None:
    outcome = read([*started("import"), *failure("import", "AssertionError", "")], FAILED)
    assert outcome.failure is not None
    assert outcome.failure.message == "AssertionError"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("ended", "message"),
    [
        (ExitStatus(0, None, 1, 0), "the case ended with exit code 0, without an exception, during {}"),
        (ExitStatus(7, None, 1, 0), "the case ended with exit code 7, without an exception, during {}"),
        (ExitStatus(-signal.SIGSEGV, None, 1, 0), "the case was ended by signal SIGSEGV during {}"),
        (ExitStatus(-signal.SIGABRT, None, 1, 0), "the case was ended by signal SIGABRT during {}"),
        (STOPPED, "the case was stopped: over its time limit of 5 s during {}"),
    ],
)
def test_a_silent_end_is_a_failure_of_its_stage(stage: str, ended: ExitStatus, message: str) -> None:
    outcome = read([*done(*STAGES[: STAGES.index(stage)]), *started(stage)], ended)
    assert outcome.failure is not None
    assert outcome.failure.message == message.format(stage)
    assert str(outcome.failure.stage) == stage
    assert verdict_of(outcome) is Verdict.FAILS


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_kill_from_outside_says_nothing_about_the_case(number: int) -> None:
    outcome = read([*done("import"), *started("build")], ExitStatus(-number, None, 1, 0))
    assert verdict_of(outcome) is Verdict.ERROR
    assert "during build" in str(outcome.machinery)


def test_only_what_a_limit_ended_depends_on_the_limit() -> None:
    assert read(started("build"), STOPPED).limited
    assert not read(started("build"), ExitStatus(3, None, 1, 0)).limited
    assert not read([*started("build"), *failure()], FAILED).limited


def test_a_limit_goes_before_what_the_record_says() -> None:
    outcome = read([*started("build"), *failure()], STOPPED)
    assert outcome.failure is not None
    assert "time limit" in outcome.failure.message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_broken_disk_is_a_fault_of_the_machine(number: int) -> None:
    events = [*started("serialize"), *failure("serialize", "OSError", os.strerror(number), errno=number)]
    outcome = read(events, FAILED)
    assert verdict_of(outcome) is Verdict.ERROR
    assert os.strerror(number) in str(outcome.machinery)


def test_inputs_that_a_full_disk_took_are_no_missing_inputs() -> None:
    chain = [{"type": "OSError", "message": "[Errno 28] No space left on device", "errno": errno.ENOSPC}]
    events = [*done(*STAGES), {"event": "no-sample", "chain": chain}, {"event": "done"}]
    assert verdict_of(read(events, WELL)) is Verdict.ERROR
    chain = [{"type": "tfjs_case.sample.NoSignature", "message": "the model does not say what it takes"}]
    events = [*done(*STAGES), {"event": "no-sample", "chain": chain}, {"event": "done"}]
    assert read(events, WELL).machinery is None


def test_a_worker_that_never_began_is_a_fault() -> None:
    with pytest.raises(MachineryError, match=r"did not start .*exit code 1.*: SyntaxError"):
        read([], ExitStatus(1, None, 1, 0), log="Traceback\n  …\nSyntaxError: here")


# ------------------------------------------------------------------------------------------- records nobody can trust


def test_the_end_counts_and_not_what_the_record_claims() -> None:
    claims = [*done(*STAGES), {"event": "done"}]
    for ended in (ExitStatus(3, None, 1, 0), ExitStatus(-11, None, 1, 0), STOPPED):
        assert verdict_of(read(claims, ended)) is Verdict.FAILS


def test_stages_that_a_worker_cannot_be_in_are_not_believed() -> None:
    events = [*done("import"), *started("build"), *done("predict", "load", "resolve", "victory")]
    outcome = read([*events, *failure("predict")], FAILED)
    assert outcome.stage is Stage.BUILD
    assert set(outcome.seconds) == {"import"}


@pytest.mark.parametrize("value", [None, "1", [], {}, -1, 10**400, float("inf"), float("nan")])
def test_times_that_cannot_be_are_left_out(value: object) -> None:
    event = {"event": "stage", "stage": "import", "status": "done", "seconds": value}
    outcome = read([event, {"event": "done"}], WELL)
    assert outcome.seconds == {"import": 0.0}


@pytest.mark.parametrize(
    "chain", [None, "x", 7, {}, [None], [{}], [{"type": 1, "message": "x"}], [{"type": "x"}], [[]], [{"message": "x"}]]
)
def test_an_unreadable_account_is_a_failure_still(chain: object) -> None:
    outcome = read([*started("build"), {"event": "failure", "stage": ["build"], "chain": chain}], FAILED)
    assert outcome.failure is not None
    assert outcome.failure.message == "the case failed and left no readable account of it"
    assert outcome.stage is Stage.BUILD


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(STAGES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["event", "stage", "status", "seconds", "chain", "type", "message", "errno", "link"])
KINDS = st.sampled_from(["stage", "failure", "done", "facts", "no-sample"])


@given(
    events=st.lists(st.builds(lambda kind, rest: {**rest, "event": kind}, KINDS, st.dictionaries(KEYS, ANYTHING))),
    code=st.sampled_from([0, 1, 70, -9, -11]),
    stopped=st.booleans(),
)
def test_no_record_makes_a_bad_end_a_good_one(events: Events, code: int, stopped: bool) -> None:
    ended = ExitStatus(code, "over its time limit" if stopped else None, 1.0, 0)
    try:
        outcome = read(events, ended)
    except MachineryError:
        return
    assert all(0 <= seconds < float("inf") for seconds in outcome.seconds.values())
    if not ended.ok:
        assert outcome.failure is not None or outcome.machinery is not None


# ---------------------------------------------------------------------------------------------------- files of records


def events_of(path: Path) -> Events:
    return read_record(path)


def test_a_record_cut_off_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in started("import", "build"))
    path.write_bytes(lines + b'{"event": "stage", "sta')
    assert events_of(path) == started("import", "build")


def test_no_record(tmp_path: Path) -> None:
    assert events_of(tmp_path / "record.jsonl") == []


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        bytes(range(256)) * 100,
        b'{"event": "done"}\n' * 400_000,
        b'"text"\n1\nnull\n[]\n',
        b'{"event": NaN}\n{"event": 1e999}',
        b"\xff\xfe{\x00}\x00",
    ],
    ids=["deep list", "deep object", "binary", "huge", "no objects", "no JSON", "UTF-16"],
)
def test_a_hostile_record_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.jsonl"
    path.write_bytes(content)
    assert events_of(path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_record_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("folder", "pipe", "endless"):
        assert events_of(tmp_path / name) == []


# ----------------------------------------------------------------------------------------------- the worker's own half

INSIDE = Path(trial.__file__).parents[1] / "inside"


def record(tmp_path: Path, code: str) -> Outcome:
    """The outcome of a worker's record that holds the failure of ``code`` in stage build."""
    path = tmp_path / "record.jsonl"
    program = f"""
import sys
sys.path.append({str(INSIDE)!r})
from tfjs_case.record import Record
record = Record({str(path)!r})
try:
    with record.stage("build"):
        exec({code!r})
except BaseException as error:
    record.failure(error)
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    return read(events_of(path), FAILED)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise OSError('name \\udcff')", "OSError: name ?"),
        ("raise ValueError('é\\n\\u2028\\x00x')", "ValueError: é\n\u2028\x00x"),
        ("raise ValueError('x' * 10_000_000 + 'why')", "ValueError: " + "x" * 2000 + " [...] " + "x" * 1997 + "why"),
        ("raise ValueError(float('nan'))", "ValueError: nan"),
    ],
)
def test_whatever_is_raised_is_recorded(tmp_path: Path, code: str, message: str) -> None:
    outcome = record(tmp_path, code)
    assert outcome.failure is not None
    assert outcome.failure.message == message
    assert outcome.stage is Stage.BUILD


def test_an_exception_that_cannot_say_what_it_is(tmp_path: Path) -> None:
    code = "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute"
    outcome = record(tmp_path, code)
    assert outcome.failure is not None
    assert outcome.failure.message == "Mute: (its message cannot be read: ValueError)"


def test_a_chain_that_bites_its_tail(tmp_path: Path) -> None:
    code = "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a"
    outcome = record(tmp_path, code)
    assert outcome.failure is not None
    assert [raised.message for raised in outcome.failure.chain] == ["a", "b"]


def test_a_disk_error_keeps_its_number(tmp_path: Path) -> None:
    outcome = record(tmp_path, "raise OSError(28, 'No space left on device', 'x.h5')")
    assert verdict_of(outcome) is Verdict.ERROR


def test_what_was_rewritten_is_read_without_trust() -> None:
    said = {"rewrote": [{"id": "idle-layer", "layers": ["flip"]}], "max_abs": 0.0, "left": []}
    assert read_rewriting([{"event": "rewritten", "rewriting": said}]) == Rewriting(
        (Rewrote("idle-layer", ("flip",)),), 0.0
    )
    assert read_rewriting([{"event": "rewritten", "rewriting": {"rewrote": 3}}]) is None
    assert read_rewriting([]) is None
    assert read_rewritable([{"event": "rewritable", "rewrites": ["a", 7]}]) == ("a", "7")
    assert read_rewritable([{"event": "rewritable", "rewrites": "abc"}]) == ()


def test_the_stage_that_began_last() -> None:
    lines = [b'{"stage": "build", "status": "start", "event": "stage"}', b'{"stage": "convert", "status": "start", "ev']
    assert stage_now(b"\n".join(lines)) == "convert"
    assert stage_now(b"") == ""


def test_what_a_graph_lacks_is_read_without_trust() -> None:
    said = {"event": "lacking", "lacking": [{"family": "text", "operations": ["Substr"], "layers": ["a (B)"]}]}
    events = [*started("build"), *failure("convert", "AssertionError", "Identity is not in graph")]
    found = read([{**said, "split": "x" * 900}, *events], FAILED).failure
    assert found is not None
    assert found.lacking == (Lacking("text", ("Substr",), ("a (B)",)),)
    assert len(found.split) == 400
    for odd in ({"lacking": "abc"}, {"lacking": [{"family": "odd", "operations": []}]}, {}):
        read_back = read([{"event": "lacking", **odd}, *events], FAILED).failure
        assert read_back is not None
        assert read_back.lacking == ()
