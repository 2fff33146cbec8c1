"""Operations that are written out; that they compute the same is in tests/real/test_expansions.py."""

from __future__ import annotations

from typing import Any

import pytest
from support.repaired import graph, node, repair_ids

from tfjs_compat.diagnosis.applying import fits
from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.repairs.document import repair_document
from tfjs_compat.repairs.expansions import EXPANSIONS
from tfjs_compat.repairs.random_numbers import DRAWN

NHWC, NCHW = {"s": "TkhXQw=="}, {"s": "TkNIVw=="}
FLOAT, HALF = {"type": "DT_FLOAT"}, {"type": "DT_HALF"}


def one(op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return graph(*(node(name, "Placeholder") for name in inputs), node("y", op, *inputs, **attributes), output="y")


def test_what_is_written_out_keeps_its_name_and_is_whole() -> None:
    done = repair_document(one("SpaceToDepth", "x", block_size={"i": "2"}, data_format=NHWC, T=FLOAT))
    assert [repair.id for repair in done.applied] == ["written-out"]
    nodes = {entry["name"]: entry for entry in done.model_json["modelTopology"]["node"]}
    assert (nodes["y"]["op"], len(nodes["y"]["input"])) == ("ConcatV2", 5)
    assert {source.split(":")[0] for entry in nodes.values() for source in entry["input"]} <= set(nodes)
    assert repair_document(done.model_json).applied == ()


@pytest.mark.parametrize(
    "document",
    [
        one("SpaceToDepth", "x", block_size={"i": "2"}, data_format=NCHW),
        one("SpaceToDepth", "x", data_format=NHWC),
        one("UnsortedSegmentMax", "x", "ids", "count", T=HALF),
        one("SparseTensorDenseMatMul", "i", "v", "s", "m", adjoint_a={"b": True}, T=FLOAT),
        one("FFT2D", "x", Tcomplex={"type": "DT_COMPLEX128"}),
        one("StatelessRandomNormalV2", "s", "k", "c", "a", dtype=HALF),
    ],
)
def test_what_is_not_known_to_be_the_same_stays(document: dict[str, Any]) -> None:
    assert repair_ids(document) == []


@pytest.mark.parametrize("op", sorted([*EXPANSIONS, *DRAWN, "Roll", "UnsortedSegmentSum"]))
def test_a_remedy_is_offered_for_each(op: str) -> None:
    issue = catalogue()["unsupported-ops"]
    remedy = next(each for each in issue.remedies if each.variant == "skip-op-check+repair")
    message = f"ValueError: Unsupported Ops in the model before optimization\nBucketize, {op}"
    assert fits(remedy, Outcome(Stage.CONVERT), message, {})
    assert not fits(remedy, Outcome(Stage.CONVERT), message.replace(op, "Cholesky"), {})
