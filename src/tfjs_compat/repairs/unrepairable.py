"""What no repair cures, and the way that works instead."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tfjs_compat.outcomes.failures import Finding

_GRAPH = "the graph route: TensorFlow.js runs the operations and needs no layers"
_INSTEAD = {
    "gru-reset-after": "the graph route, or GRU(reset_after=False), trained anew: the two compute something else",
    "unsupported-ops": "the layers route, or convert with TF_ENABLE_ONEDNN_OPTS=0 where the op is _Fused… or _Mkl…",
    "complex-numbers": "compute with the real and the imaginary part in the model",
    "branch-constant": "convert with control_flow_v2",
    "cumulative-axis": "give the axis from the front in the model",
    "band-part": "compare row and column numbers in the model instead of tf.linalg.band_part",
    "unsupported-fusion": "convert with TF_ENABLE_ONEDNN_OPTS=0, which fuses nothing; or the layers route",
    "graph-batch-norm-training": "the layers route, or Keras 3, whose graph computes the mean and variance",
    "graph-loop-stuck": "the layers route, or control_flow_v2",
    "mixed-precision": "none needed where float16's precision is enough: TensorFlow.js computes in float32",
}
_SILENT = frozenset({"ignored-setting", "mask-ignored", "activation-redefined", "mixed-precision"})


class Unrepairable(msgspec.Struct, frozen=True):
    """A finding that is still there after the repair, and what to do about it.

    Where its severity is ``warning`` the model may predict something else: only a comparison of numbers decides.
    """

    finding: Finding
    instead: str


def unrepairable(findings: Iterable[Finding]) -> tuple[Unrepairable, ...]:
    """What remains of the findings of a repaired artifact (`checks.examine`), each with another way.

    Errors, and those warnings after which TensorFlow.js computes something else without an error. The only way for a
    damaged artifact is to convert the model again.
    """
    return tuple(
        Unrepairable(finding, _instead(finding))
        for finding in findings
        if finding.severity == "error" or finding.id in _SILENT
    )


def _instead(finding: Finding) -> str:
    if finding.id.startswith("artifact-"):
        return "convert the model again: the files are damaged"
    if finding.path.startswith("$.modelTopology.node") and finding.id not in _INSTEAD:
        return "the layers route"
    return _INSTEAD.get(finding.id, _GRAPH)
