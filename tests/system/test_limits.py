"""What limits a child, and whose fault its end was."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.system.limits import ExitStatus, Limits, Shares, starved

TIME = "over its time limit of 100 s"


@pytest.mark.parametrize(
    ("what", "used", "waited", "machine"),
    [
        ("it computed", 100, 0, False),
        ("it slept, as one does that waits for a lock", 0, 0, False),
        ("it computed beside another on each processor", 50, 50, False),
        ("it computed for half of the time", 50, 0, False),
        ("it had a third of a processor", 33, 67, True),
        ("it had a tenth of a processor", 10, 90, True),
        ("it had nothing", 0, 100, True),
        ("it slept a third and waited for the rest", 0, 66, True),
        ("it waited half and slept half", 0, 50, False),
        ("its many threads waited for each other", 190, 95, False),
        ("its thread waited while its other one computed", 60, 90, False),
    ],
)
def test_whose_a_passed_time_limit_is(what: str, used: float, waited: float, machine: bool) -> None:
    assert starved(100.0, Shares(used, waited)) is machine, what


@given(
    seconds=st.floats(0.01, 1e6),
    used=st.floats(0, 1),
    waited=st.floats(0, 1),
    more=st.floats(0, 1),
    scale=st.floats(1, 9),
)
def test_more_waiting_never_makes_it_the_childs_limit(
    seconds: float, used: float, waited: float, more: float, scale: float
) -> None:
    assert starved(seconds, Shares(used * seconds, waited * seconds)) <= starved(
        seconds, Shares(used * seconds, (waited + more) * seconds)
    )
    assert starved(seconds, Shares(used * seconds * scale, waited * seconds)) <= starved(
        seconds, Shares(used * seconds, waited * seconds)
    )


@pytest.mark.parametrize(
    ("ended", "clause", "fault"),
    [
        (ExitStatus(0, None, 1, 0), "ended with exit code 0", False),
        (ExitStatus(7, None, 1, 0), "ended with exit code 7", False),
        (ExitStatus(-signal.SIGSEGV, None, 1, 0), "was ended by signal SIGSEGV", False),
        (ExitStatus(-signal.SIGABRT, None, 1, 0), "was ended by signal SIGABRT", False),
        (ExitStatus(-signal.SIGKILL, None, 1, 0), "was killed by SIGKILL (possibly out of memory)", True),
        (ExitStatus(-signal.SIGTERM, None, 1, 0), "was killed by SIGTERM", True),
        (ExitStatus(-signal.SIGINT, None, 1, 0), "was killed by SIGINT", True),
        (ExitStatus(-signal.SIGHUP, None, 1, 0), "was killed by SIGHUP", True),
        (ExitStatus(-signal.SIGKILL, TIME, 100, 0), f"was stopped: {TIME}", False),
        (
            ExitStatus(-signal.SIGKILL, TIME, 100, 0, starved=True),
            f"was stopped: {TIME} while the machine was overloaded (it had too little of a processor)",
            True,
        ),
        (ExitStatus(-250, None, 1, 0), "was ended by signal 250", False),
    ],
)
def test_how_a_child_ended_and_whether_that_says_anything(ended: ExitStatus, clause: str, fault: bool) -> None:
    assert ended.describe() == clause
    assert ended.fault == (clause if fault else None)
    assert ended.ok == (clause == "ended with exit code 0")


@pytest.mark.parametrize(
    ("seconds", "memory", "output", "exceeded"),
    [
        (9.0, 50, 70, None),
        (11.0, 50, 70, "over its time limit of 10 s"),
        (9.0, 2 << 30, 70, "over its memory limit of 1 GiB"),
        (9.0, 50, 3 << 20, "over its output limit of 2 MiB"),
    ],
)
def test_which_limit_is_passed(seconds: float, memory: int, output: int, exceeded: str | None) -> None:
    assert Limits(10.0, 1 << 30, 2 << 20).exceeded(seconds, memory, output) == exceeded
    assert Limits(10.0, None, 2 << 20).exceeded(9.0, 1 << 50, 0) is None


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="Windows has no such signal")
def test_a_limit_of_the_caller_for_files_is_none_of_the_child() -> None:
    limits = Limits(disk=1000)
    assert (
        limits.by_signal(signal.SIGXFSZ)
        == limits.by_signal(signal.SIGXFSZ, 1000)
        == "over its disk limit of 9.31e-07 GiB"
    )
    assert limits.by_signal(signal.SIGXFSZ, 999) is None
    ended = ExitStatus(-signal.SIGXFSZ, None, 1.0, 0)
    assert ended.fault == ended.describe()
    assert "ulimit -f" in ended.describe()
    assert ExitStatus(-signal.SIGXFSZ, "over its disk limit", 1.0, 0).fault is None
