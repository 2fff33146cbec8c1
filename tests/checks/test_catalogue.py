"""The catalogue of checks: each finding is declared by one check, and no check reports another's without saying so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.handmade import DENSE, SIGNATURE, SOUND, VOCABULARY, keras3_model, loop, mutated, node, write

from tfjs_compat.artifact.layers import read_layers
from tfjs_compat.artifact.reading import FINDINGS as READING_FINDINGS
from tfjs_compat.artifact.reading import read, topology_format
from tfjs_compat.checks.catalogue import CHECKS, FINDINGS
from tfjs_compat.checks.check import CheckInput


def test_each_finding_is_declared_once_and_has_a_meaning() -> None:
    declared = [id for check in CHECKS for id in check.findings] + list(READING_FINDINGS)
    assert sorted(declared) == sorted(FINDINGS)
    assert all(FINDINGS.values())


def test_shared_findings_are_declared_by_another_check() -> None:
    for check in CHECKS:
        assert set(check.shared) <= set(FINDINGS) - set(check.findings)


def models() -> list[tuple[dict[str, Any], dict[str, list[int]]]]:
    graph = {"node": loop("^g", guard=[node("g", "NoOp", "^switch")]), "versions": {}}
    topologies = [*SOUND.values(), (keras3_model(), DENSE)]
    layers = [({"modelTopology": {"model_config": model}}, weights) for model, weights in topologies]
    return [*layers, ({"modelTopology": graph, "signature": SIGNATURE}, {"n": [1]})]


@pytest.mark.parametrize("value", [None, 5, [], {}, "x", ["in", 0, 0]])
def test_a_check_reports_only_what_it_declares(tmp_path: Path, value: object) -> None:
    for number, (document, weights) in enumerate(models()):
        for place in range(0, 200, 3):
            damaged = mutated(document, place, value, remove=value is None)
            folder = write(tmp_path / f"{number}-{place}", damaged.pop("modelTopology", None), weights, **damaged)
            artifact = read(folder).artifact
            if artifact is None:
                continue
            format = topology_format(artifact.topology)
            topology = read_layers(artifact.topology) if format == "layers" else None
            root = topology.root if topology is not None else None
            given = CheckInput(artifact, VOCABULARY, root, topology is None or not topology.findings)
            for check in CHECKS:
                if format in check.formats:
                    assert {finding.id for finding in check.run(given)} <= {*check.findings, *check.shared}
