"""What no repair cures, and the way that works instead."""

from __future__ import annotations

import pytest

from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.repairs.unrepairable import unrepairable


@pytest.mark.parametrize(
    ("finding", "way"),
    [
        (Finding("unknown-layer", "$.modelTopology.model_config", "Lambda"), "graph route"),
        (Finding("gru-reset-after", "$", ""), "reset_after=False"),
        (Finding("unsupported-ops", "$.modelTopology.node[3].op", ""), "layers route"),
        (Finding("artifact-shard-short", "$.weightsManifest[0]", ""), "convert the model again"),
        (Finding("activation-redefined", "$", "", "warning"), "graph route"),
    ],
)
def test_what_remains_is_said_with_another_way(finding: Finding, way: str) -> None:
    (remaining,) = unrepairable([finding, Finding("graph-without-signature", "$", "", "warning")])
    assert remaining.finding == finding
    assert way in remaining.instead
