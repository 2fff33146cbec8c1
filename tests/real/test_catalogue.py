"""Known issues of resolve and import, met for real: each entry's conditions hold where it is said that they do.

The issues of the later stages are met in the other files of this folder. Recorded only, because this platform does not
show it: ``uvloop-windows``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import Results

pytestmark = [pytest.mark.real, pytest.mark.full]

BLOCK = """
[[include]]
tensorflow = ["{tensorflow}"]
tensorflowjs = ["{tensorflowjs}"]
{more}
"""
HEAD = """
models = ["zoo:mlp"]
routes = ["layers"]

[axes]
as_of = [2026-11-20]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
constraints = ["setuptools<81"]

[[exclude]]
tensorflow = "*"
"""
MET = [
    # issue, stage, TensorFlow, tensorflowjs, what else the combination has
    ("tfdf-unresolvable", Stage.RESOLVE, "2.20.0", "4.22.0", ""),
    ("no-wheel-for-python", Stage.RESOLVE, "2.15.1", "4.17.0", 'python = ["3.12"]'),
    ("protobuf3", Stage.RESOLVE, "2.13.1", "4.0.0", ""),
    ("tensorflow-caps-keras", Stage.RESOLVE, "2.14.1", "4.17.0", 'extra = ["keras>=3"]'),
    ("ydf-protobuf", Stage.IMPORT, "2.18.0", "4.22.0", ""),
    ("jax-shape-poly", Stage.IMPORT, "2.15.0", "4.10.0", ""),
    ("numpy-object", Stage.IMPORT, "2.13.1", "3.18.0", ""),
    ("numpy2-abi", Stage.IMPORT, "2.15.0", "4.16.0", 'overrides = ["numpy>=2,<2.1"]'),
    (
        "tfdf-inference-so",
        Stage.IMPORT,
        "2.16.2",
        "4.15.0",
        'overrides = [["tensorflow-decision-forests==1.8.1", "tensorflow==2.16.2"]]',
    ),
    (
        "protobuf-gencode",
        Stage.IMPORT,
        "2.15.0",
        "4.15.0",
        'overrides = [["tensorflow-decision-forests==1.9.1", "tensorflow==2.15.0"]]',
    ),
    ("hub-tfkeras-mismatch", Stage.IMPORT, "2.16.1", "4.17.0", 'overrides = ["tf-keras==2.15.0"]'),
    (
        "legacy-keras-missing",
        Stage.IMPORT,
        "2.16.2",
        "4.17.0",
        'overrides = ["tf-keras; python_version < \'3\'"]\nprocess_env = ["legacy-keras"]',
    ),
]


@pytest.fixture(scope="module")
def met(run_matrix: Callable[..., Results]) -> Results:
    blocks = [
        BLOCK.format(tensorflow=tensorflow, tensorflowjs=tensorflowjs, more=more)
        for _, _, tensorflow, tensorflowjs, more in MET
    ]
    return run_matrix(HEAD + "".join(blocks), jobs=2, until=Stage.IMPORT)


@pytest.mark.parametrize(("issue", "stage", "tensorflow", "tensorflowjs"), [row[:4] for row in MET])
def test_it_is_recognised(met: Results, issue: str, stage: Stage, tensorflow: str, tensorflowjs: str) -> None:
    (case,) = [
        case
        for case in met.cases
        if (case.combination.tensorflow, case.combination.tensorflowjs) == (tensorflow, tensorflowjs)
    ]
    assert (case.verdict, case.stage, case.issue) == (Verdict.FAILS, stage, issue), case.message
