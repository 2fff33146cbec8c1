"""Runs the checks over the folder of a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tfjs_compat.artifact.layers import read_layers
from tfjs_compat.artifact.reading import Artifact, read, topology_format
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.catalogue import CHECKS
from tfjs_compat.checks.check import CheckInput
from tfjs_compat.outcomes.failures import Finding


def examine(folder: Path, vocabulary: Vocabulary) -> list[Finding]:
    """What reading a model's folder found wrong, then what the checks find, in their order.

    Never raises for what a folder holds; a finding may come twice where two places of model.json are damaged alike.
    """
    reading = read(folder)
    findings = list(reading.findings)
    if reading.artifact is not None:
        findings += check_artifact(reading.artifact, vocabulary)
    return findings


def check_artifact(artifact: Artifact, vocabulary: Vocabulary) -> Iterator[Finding]:
    """What the checks find in an artifact that could be read.

    Which checks run follows from what modelTopology holds, whatever the format field says.
    """
    format = topology_format(artifact.topology)
    given = CheckInput(artifact, vocabulary)
    if format == "layers":
        topology = read_layers(artifact.topology)
        yield from topology.findings
        given = CheckInput(artifact, vocabulary, topology.root, not topology.findings)
    for check in CHECKS:
        if format in check.formats:
            yield from check.run(given)
