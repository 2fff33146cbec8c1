"""What TensorFlow.js computes with other values than TensorFlow."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.handmade import VOCABULARY, node, write

from tfjs_compat.checks.examine import examine

OPS = frozenset({*VOCABULARY.ops, "MatrixBandPart", "Cumsum"})


@pytest.mark.parametrize(
    ("lower", "upper", "severity"), [(-1, 0, "error"), (1, 1, None), (0, -1, "error"), (None, 0, "warning")]
)
def test_a_band_of_two_widths(tmp_path: Path, lower: int | None, upper: int, severity: str | None) -> None:
    low = node("low", "Const") if lower is not None else node("low", "Placeholder")
    graph = {"versions": {}, "node": [
        node("x", "Placeholder"), low, node("high", "Const"), node("y", "MatrixBandPart", "x", "low", "high"),
    ]}  # fmt: skip
    values = {"high": upper} if lower is None else {"low": lower, "high": upper}
    specs = [{"name": name, "shape": [], "dtype": "int32"} for name in values]
    manifest = [{"paths": ["w.bin"], "weights": specs}]
    signature = {"inputs": {}, "outputs": {"y": {"name": "y:0"}}}
    folder = write(tmp_path, graph, {}, signature=signature, weightsManifest=manifest)
    (folder / "w.bin").write_bytes(struct.pack(f"<{len(values)}i", *values.values()))
    vocabulary = type(VOCABULARY)(tfjs="4.22.0", classes=VOCABULARY.classes, ops=OPS)
    found = [finding for finding in examine(folder, vocabulary) if finding.id == "band-part"]
    assert [finding.severity for finding in found] == ([severity] if severity else [])


@pytest.mark.parametrize(("axis", "ids"), [(-1, ["cumulative-axis"]), (1, [])])
def test_a_cumulative_sum_from_the_end(tmp_path: Path, axis: int, ids: list[str]) -> None:
    nodes = [node("x", "Placeholder"), node("axis", "Const"), node("y", "Cumsum", "x", "axis")]
    signature = {"inputs": {}, "outputs": {"y": {"name": "y:0"}}}
    manifest = [{"paths": ["w.bin"], "weights": [{"name": "axis", "shape": [], "dtype": "int32"}]}]
    graph = {"versions": {}, "node": nodes}
    folder = write(tmp_path, graph, {}, signature=signature, weightsManifest=manifest)
    (folder / "w.bin").write_bytes(struct.pack("<i", axis))
    vocabulary = type(VOCABULARY)(tfjs="4.22.0", classes=VOCABULARY.classes, ops=OPS)
    assert [finding.id for finding in examine(folder, vocabulary)] == ids
