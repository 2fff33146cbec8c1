"""What no repair cures, and the way that works instead."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tfjs_compat.outcomes.failures import Finding

_GRAPH = "the graph route: TensorFlow.js runs the operations and needs no layers"
_INSTEAD = {
    "gru-reset-after": "the graph route, or GRU(reset_after=False), trained anew: the two compute something else",
    "unsupported-ops": "the layers route, or convert with TF_ENABLE_ONEDNN_OPTS=0 where the op is _Fused… or _Mkl…",
    "unsupported-fusion": "convert with TF_ENABLE_ONEDNN_OPTS=0, which fuses nothing; or the layers route",
    "graph-batch-norm-training": "the layers route, or Keras 3, whose graph computes the mean and variance",
    "graph-loop-stuck": "the layers route, or control_flow_v2",
    "mixed-precision": "none needed where float16's precision is enough: TensorFlow.js computes in float32",
}
_SILENT = frozenset({"ignored-setting", "mask-ignored", "activation-redefined", "mixed-precision"})


class Unrepairable(msgspec.Struct, frozen=True):
    """A finding that is still there after the repair, and what to do about it.

    One of severity ``warning`` may make the model predict something else: the numbers tell.
    """

    finding: Finding
    instead: str


def unrepairable(findings: Iterable[Finding]) -> tuple[Unrepairable, ...]:
    """What remains of the findings of a repaired artifact (`checks.examine`), each with another way.

    Errors, and warnings of what computes otherwise without a word. A damaged artifact has no other way but to be
    converted again.
    """
    return tuple(Unrepairable(one, _instead(one)) for one in findings if one.severity == "error" or one.id in _SILENT)


def _instead(finding: Finding) -> str:
    if finding.id.startswith("artifact-"):
        return "convert the model again: the files are damaged"
    if finding.path.startswith("$.modelTopology.node") and finding.id not in _INSTEAD:
        return "the layers route"
    return _INSTEAD.get(finding.id, _GRAPH)
