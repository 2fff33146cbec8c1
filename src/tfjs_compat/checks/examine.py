"""Runs the checks over the folder of a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tfjs_compat.artifact.layers import read_layers
from tfjs_compat.artifact.reading import Artifact, read, topology_format
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.catalogue import CHECKS
from tfjs_compat.checks.check import CheckInput
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.system.text import shown

_LONG = 400


def examine(folder: Path, vocabulary: Vocabulary) -> list[Finding]:
    """What reading a model's folder found wrong, then what the checks find, in their order.

    Never raises for what a folder holds; a finding may come twice where two places of model.json are damaged alike.
    """
    reading = read(folder)
    findings = list(reading.findings)
    if reading.artifact is not None:
        findings += check_artifact(reading.artifact, vocabulary)
    return [_short(finding) for finding in findings]


def _short(finding: Finding) -> Finding:
    """A finding of a length that somebody can read: names in model.json may have a megabyte."""
    if len(finding.message) + len(finding.path) <= _LONG:
        return finding
    return msgspec.structs.replace(finding, message=shown(finding.message), path=shown(finding.path))


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
