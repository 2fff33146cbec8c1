"""What a repair of an existing artifact writes, and what it refuses. TensorFlow.js is replaced by what it would say."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.samples import parity

from tfjs_compat.cli.views import repaired as view
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import Interrupted
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.artifact_report import ArtifactReport
from tfjs_compat.search.best_case import INTERRUPTED
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.find import Found
from tfjs_compat.workflows.repair import RepairReport, repair

LAYERS = {
    "modelTopology": {"model_config": {"class_name": "Sequential", "config": {"layers": []}}},
    "weightsManifest": [{"paths": ["w.bin"], "weights": [{"name": "a", "shape": [1], "dtype": "float32"}]}],
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(LAYERS))
    (folder / "w.bin").write_bytes(b"1234")
    return folder


def found(*, works: bool, ended: str | None = None) -> Found:
    return Found(found=works, trials=1, seconds=1.0, ended=ended)


def repaired(source: Path, verdict: Verdict = Verdict.WORKS, reference: Found | None = None) -> RepairReport:
    """The repair of ``source`` where TensorFlow.js says ``verdict``, and the search for the reference comes to that."""

    def checker(folder: Path, **_: Any) -> ArtifactReport:
        return ArtifactReport(str(folder), "4.22.0", "node cpu", verdict, Stage.PREDICT, (), "", (), parity())

    def finder(*_: Any) -> Found:
        assert reference is not None
        return reference

    options = RunRequest(store=Store(source.parent / "store"))
    request = SearchRequest("m.py:build", run_options=options) if reference is not None else None
    target = source.parent / "fixed"
    return repair(source, target, request, run_options=options, checker=checker, finder=finder)


@pytest.mark.parametrize(
    ("verdict", "reference", "written"),
    [
        (Verdict.CONVERTS, None, True),
        (Verdict.FAILS, None, False),
        (Verdict.WORKS, found(works=True), True),
        (Verdict.MISMATCH, found(works=True), False),
        # A constant output, or none at all: a reference is a request for proof.
        (Verdict.CONVERTS, found(works=True), False),
        (Verdict.CONVERTS, found(works=False), False),
    ],
)
def test_with_a_reference_only_what_it_proves_is_written(
    source: Path, verdict: Verdict, reference: Found | None, written: bool
) -> None:
    assert repaired(source, verdict, reference).written is written
    assert (source.parent / "fixed").exists() is written


def test_an_interrupted_reference_is_an_interruption(source: Path) -> None:
    with pytest.raises(Interrupted):
        repaired(source, reference=found(works=False, ended=INTERRUPTED))
    assert not (source.parent / "fixed").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("w.bin", b"123"),
        ("model.json", b""),
        ("model.json", b"[]"),
        ("model.json", b"[" * 1_000_000),
        ("model.json", json.dumps(LAYERS).replace("w.bin", "../w.bin").encode()),
        ("model.json", json.dumps(LAYERS).replace("float32", "\x1b[31mred").encode()),
    ],
)
def test_a_damaged_artifact_is_a_finding_and_nothing_is_written(source: Path, file: str, content: bytes) -> None:
    (source / file).write_bytes(content)
    came = repaired(source)
    assert (came.written, came.checked.verdict, came.checked.stage) == (False, Verdict.FAILS, Stage.CHECK)
    assert came.checked.findings
    assert not (source.parent / "fixed").exists()
    shown = io.StringIO()
    view.show(Console(file=shown), came, source.parent / "fixed")
    assert "cannot be read: $" in shown.getvalue()
    assert "\x1b" not in shown.getvalue()
