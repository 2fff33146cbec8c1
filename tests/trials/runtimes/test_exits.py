from __future__ import annotations

import signal

import pytest

from tfjs_compat.system.process import ExitStatus
from tfjs_compat.trials.runtimes.exits import outside_fault


@pytest.mark.parametrize(
    ("code", "killed"),
    [
        *((-number, "by SIG") for number in (signal.SIGTERM, signal.SIGINT)),
        (-9, "by SIGKILL (possibly out of memory)"),
        # A script that started Node says so in its own exit code.
        (137, "by SIGKILL (possibly out of memory)"),
        (143, "by SIGTERM"),
        *((code, None) for code in (0, 1, 7, 127, 134, 139, 255)),
        *((-number, None) for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGILL, signal.SIGFPE)),
    ],
)
def test_who_killed_it(code: int, killed: str | None) -> None:
    said = outside_fault("Node", ExitStatus(code, None, 1.0, 0))
    assert (said is None) is (killed is None)
    assert killed is None or (said or "").startswith(f"Node was killed {killed}")
    assert outside_fault("Node", ExitStatus(code, "over its time limit of 1 s", 1.0, 0)) is None


def test_a_limit_passed_on_an_overloaded_machine_is_a_fault() -> None:
    status = ExitStatus(-9, "over its time limit of 1 s", 1.0, 0, starved=True)
    assert "while the machine was overloaded" in (outside_fault("Node", status) or "")
