from __future__ import annotations

import errno

import click
import msgspec
import pytest
from support.samples import failed, plan, planned, result, results

from tfjs_compat.cli import exit_codes
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.locks.lock import Unresolved
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.artifact_report import ArtifactReport
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.workflows.doctor import DoctorFinding
from tfjs_compat.workflows.find import Found

FINE, SURPRISE, FORESEEN = result(), failed(), failed(as_expected=True)
BROKEN = result(verdict=Verdict.ERROR, as_expected=False)


@pytest.mark.parametrize(
    ("cases", "code"),
    [
        ((), 0),
        ((FINE,), 0),
        ((FORESEEN,), 0),
        ((FINE, SURPRISE), 1),
        ((BROKEN,), 3),
        ((SURPRISE, BROKEN, FINE), 3),
        ((result(verdict=Verdict.ERROR, as_expected=True),), 3),
    ],
)
def test_a_run(cases: tuple[CaseResult, ...], code: int) -> None:
    assert exit_codes.of_results(results(*cases)) == code
    assert exit_codes.of_results(results(*cases, complete=False)) == 130


def test_a_plan() -> None:
    assert exit_codes.of_plan(plan(planned(1, 5), planned(2, Unresolved("conflict", ("a",), "text")))) == 0
    assert exit_codes.of_plan(plan(planned(1, 5), planned(2, "no network"))) == 3


@pytest.mark.parametrize(("verdict", "code"), [("works", 0), ("converts", 0), ("mismatch", 1), ("fails", 1)])
def test_a_check(verdict: str, code: int) -> None:
    report = ArtifactReport("m", "4.22.0", "node", Verdict(verdict), Stage.PREDICT, (), "", (), None)
    assert exit_codes.of_artifact(report) == code


def test_a_search() -> None:
    found = Found(found=True)
    assert exit_codes.of_search(found) == 0
    assert exit_codes.of_search(msgspec.structs.replace(found, found=False)) == 1
    assert exit_codes.of_search(msgspec.structs.replace(found, ended="when it was interrupted")) == 130


def test_doctor() -> None:
    fine, note, bad = (DoctorFinding("disk", status, "") for status in ("ok", "note", "bad"))
    assert exit_codes.of_doctor([fine, note]) == 0
    assert exit_codes.of_doctor([fine, bad]) == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (click.UsageError("no such option"), 2),
        (RequestError("wrong"), 2),
        (MachineryError("no network"), 3),
        (OSError(errno.ENOSPC, "full"), 3),
        (TypeError("a fault of ours"), 3),
        (click.exceptions.Abort(), 130),
        (Interrupted(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error(error: BaseException, code: int) -> None:
    assert exit_codes.of_error(error) == code
