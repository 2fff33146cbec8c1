"""A search that found nothing says what decided first, what was cured on the way last."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console
from support.samples import combination, failed

from tfjs_compat.cli.views import found as view
from tfjs_compat.matrix.expansion import LeftOut
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import Step
from tfjs_compat.search.best_case import Tried
from tfjs_compat.search.narrowing import Narrowed
from tfjs_compat.workflows.find import Found


def shown(*tried: Tried, narrowed: Narrowed = Narrowed()) -> str:
    console = Console(width=400, file=io.StringIO())
    view.show(console, Found(found=False, limits="TensorFlow 2.13 to 2.21", tried=tried, narrowed=narrowed), "out/")
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def ended(issue: str, stage: Stage, **more: Any) -> CaseResult:
    return failed(id=f"{issue}-{stage}", issue=issue, issues=(issue,), stage=stage, **more)


PINNED = Step("pkg-resources-gone", "pin `setuptools<81`", ("constraint setuptools<81",))


def test_what_decided_comes_first_and_what_was_cured_last() -> None:
    decided = ended("untrusted-code", Stage.BUILD, message="a Lambda layer", remedies=("write a builder",))
    cured = Tried((), ended("pkg-resources-gone", Stage.IMPORT), tried=False)
    text = shown(cured, Tried((PINNED,), decided, tried=True), narrowed=Narrowed((decided,)))
    assert text.splitlines()[0].startswith("No version makes this work")
    title = "The model's file brings Python code, which is run only for a model that is trusted"
    assert " ".join(text.split()).startswith("No version makes this work")
    assert f"{title}: a Lambda layer" in " ".join(text.split())
    assert text.count("pkg-resources-gone") == 1
    assert "Cured on the way: pkg-resources-gone." in text


def test_the_logs_are_named_and_a_decided_search_is_no_list() -> None:
    decided = ended("untrusted-code", Stage.BUILD, message="a Lambda layer", log="find/cases/a/b/log.txt")
    text = shown(Tried((), decided, tried=True), narrowed=Narrowed((decided,)))
    assert f"logs: out/{Path('find') / 'cases'}" in text
    assert "Searched:" not in text
    assert "Searched: TensorFlow 2.13 to 2.21." in shown(Tried((), decided, tried=True))


def test_what_is_not_tried_for_one_reason_is_one_line() -> None:
    console = Console(width=400, file=io.StringIO())
    skipped = tuple(LeftOut(f"at tf2.{minor}", "no signature on this route") for minor in range(13, 22))
    view.show(console, Found(found=False, limits="x", left_out=(*skipped, LeftOut("at tf9", "no wheel"))), "out/")
    lines = [line for line in console.file.getvalue().splitlines() if "not tried" in line]  # type: ignore[attr-defined]
    assert lines == [
        "not tried: at tf2.13 and 8 more: no signature on this route",
        "not tried: at tf9: no wheel",
    ]


def test_only_remedies_that_were_not_tried_are_offered() -> None:
    step = Step("duplicate-weight-name", "use the graph route", ("route graph instead of layers",))
    left = ("use the graph route", "rename the layers")
    first = Tried((), ended("duplicate-weight-name", Stage.CONVERT, remedies=left), tried=True)
    text = shown(first, Tried((step,), ended("unsupported-ops", Stage.CONVERT), tried=True))
    assert "Should cure it: rename the layers." in text


def test_versions_between_two_that_end_alike_are_named_as_not_tried() -> None:
    newer, older = (
        ended("node-not-in-graph", Stage.CONVERT, combination=combination(tensorflow=version))
        for version in ("2.21.0", "2.13.1")
    )
    text = shown(Tried((), newer, tried=True), narrowed=Narrowed((), ((newer, older),)))
    assert "between TensorFlow 2.21.0 with tensorflowjs 4.17.0 and TensorFlow 2.13.1" in text
    assert "--exhaustive" in text


def test_what_no_repair_cures_stands_before_what_one_does() -> None:
    issues, left = (
        ("keras3-batch-shape", "unknown-layer"),
        Finding("unknown-layer", "$.layers[2]", "Unknown layer: Mine"),
    )
    case = failed(
        issue=issues[0],
        issues=issues,
        stage=Stage.CHECK,
        message="InputLayer",
        findings=(left,),
        unrepairable=issues[1:],
    )
    text = shown(Tried((), case, tried=True))
    assert "1 × unknown-layer" in text
    assert "Example: $.layers[2]: Unknown layer: Mine" in text
    assert "× keras3-batch-shape" not in text
    assert "Should cure it: use the graph route." in text
    assert "legacy Keras" not in text


def test_what_decided_is_named_also_behind_other_issues() -> None:
    issues = ("keras3-batch-shape", "unknown-layer")
    decided = failed(issue=issues[0], issues=issues, stage=Stage.CHECK, message="InputLayer has `batch_shape`")
    text = shown(Tried((), decided, tried=True), narrowed=Narrowed((decided,)))
    assert text.splitlines()[1].strip() == "A layer or function that TensorFlow.js does not register."
